package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Short forms in which entities.go and bundled.go are written.

func record(fields ...schema.Named) *schema.Field {
	return &schema.Field{Type: "record", Fields: fields}
}

func list(elements *schema.Field) *schema.Field {
	return &schema.Field{Type: "array", Elements: elements}
}

func with(name string, f *schema.Field) schema.Named { return schema.Named{Name: name, Field: f} }

func required(name string, f *schema.Field) schema.Named {
	yes := true
	f.Required = &yes
	return with(name, f)
}

func str() *schema.Field { return &schema.Field{Type: "string"} }

func boolean(value bool) *schema.Field { return &schema.Field{Type: "boolean", Default: value} }

func integer(value, least, most int) *schema.Field {
	return &schema.Field{Type: "integer", Default: float64(value), Between: []float64{float64(least), float64(most)}}
}

// onKong is what to do about a configuration that the dev gateway refuses and Kong
// does not.
const onKong = "`make up` runs it on Kong"

// refuse adds fields that Kong has and the dev gateway does not support.
func refuse(f *schema.Field, names ...string) *schema.Field {
	for _, name := range names {
		f.Fields = append(f.Fields, with(name, &schema.Field{
			Type: "any", Unsupported: "the dev gateway does not support this field: leave it out, or " + onKong,
		}))
	}
	return f
}

// only is a field that may have Kong's default value and no other.
func only(value any) *schema.Field {
	f := &schema.Field{Default: value}
	switch value.(type) {
	case bool:
		f.Type = "boolean"
	case float64:
		f.Type = "integer"
	case string:
		f.Type = "string"
	default:
		f.Type, f.Elements = "set", str()
	}
	f.Check = func(given any) string {
		if reflect.DeepEqual(given, value) {
			return ""
		}
		return fmt.Sprintf("the dev gateway supports %v only: leave it out, or %s", value, onKong)
	}
	return f
}

// plain is a text without characters for which Kong has rules of its own. pattern is
// what it must match, and what says so in the error.
func plain(pattern, what string) *schema.Field {
	shape := regexp.MustCompile(pattern)
	return &schema.Field{Type: "string", Check: func(v any) string {
		if s, _ := v.(string); !shape.MatchString(s) {
			return fmt.Sprintf("%q: the dev gateway supports %s only; %s", s, what, onKong)
		}
		return ""
	}}
}

func name() *schema.Field { return plain(`^[\w.~-]+$`, "letters, digits and . _ ~ -") }

// host is a name or an address.
func host() *schema.Field {
	f := name()
	of := f.Check
	f.Check = func(v any) string {
		text, _ := v.(string)
		if _, err := netip.ParseAddr(text); err == nil {
			return ""
		}
		return of(v)
	}
	return f
}

func path() *schema.Field {
	return plain(`^(/[\w.~-]+)*/?$`, "paths of letters, digits and . _ ~ - between single slashes")
}

// headerValue is a value of a header that a route asks for.
func headerValue() *schema.Field { return plain(`^[^~]`, "whole values, and no regular expressions,") }

// headerName is a header that request-transformer removes.
func headerName() *schema.Field { return plain(`^[\w-]+$`, "letters, digits and _ -") }

// headerPair is one that it adds, and its value.
func headerPair() *schema.Field {
	return plain(`^[\w-]+:[^$]+$`, "name:value, and no template,")
}

func algorithm() *schema.Field {
	return &schema.Field{Type: "string", Default: "HS256", Check: func(v any) string {
		if v == jwt.SigningMethodRS256.Name || v == jwt.SigningMethodES256.Name {
			return ""
		}
		return fmt.Sprintf("%q: the dev gateway supports RS256 and ES256 only; %s", v, onKong)
	}}
}

func publicKey() *schema.Field {
	return &schema.Field{Type: "string", Check: func(v any) string {
		text, _ := v.(string)
		_, rsaErr := jwt.ParseRSAPublicKeyFromPEM([]byte(text))
		_, ecErr := jwt.ParseECPublicKeyFromPEM([]byte(text))
		if rsaErr != nil && ecErr != nil {
			return "invalid key"
		}
		return ""
	}}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
