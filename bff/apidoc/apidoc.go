// Package apidoc serves a contract to the people who write clients: the document itself,
// and a page that is made of it, which loads nothing from anywhere.
package apidoc

import (
	"bytes"
	_ "embed" // for the page
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gatehousehq/gatehouse/bff/etag"
)

// Where they are.
const (
	ContractPath = "/openapi.yaml"
	PagePath     = "/docs"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"name":   path.Base, // of a reference such as #/components/schemas/Order
	"json":   indent,
	"bounds": bounds,
	"needed": needed,
}).Parse(pageText))

// New returns a handler of ContractPath and PagePath for an OpenAPI 3.0 document.
func New(contract []byte) (http.Handler, error) {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	var html bytes.Buffer
	if err := page.Execute(&html, doc); err != nil {
		return nil, fmt.Errorf("write page of contract: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+ContractPath, file("application/yaml", contract)) // RFC 9512
	mux.Handle("GET "+PagePath, file("text/html; charset=utf-8", html.Bytes()))
	return mux, nil
}

// file answers with what does not change while the process runs. Unlike a page of a BFF it
// is nobody's in particular.
func file(contentType string, content []byte) http.Handler {
	tag := etag.Of(content)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
}

// indent is an example as a client gets it, but for the spaces.
func indent(v any) (string, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return string(text), err
}

// bounds says what a schema asks for beyond its type.
func bounds(s *openapi3.Schema) string {
	var b []string
	add := func(format string, bound any) { b = append(b, fmt.Sprintf(format, bound)) }
	if s.Min != nil {
		add("from %v", *s.Min)
	}
	if s.Max != nil {
		add("to %v", *s.Max)
	}
	if s.MinLength > 0 {
		add("at least %d characters", s.MinLength)
	}
	if s.MaxLength != nil {
		add("at most %d characters", *s.MaxLength)
	}
	if s.MinItems > 0 {
		add("at least %d", s.MinItems)
	}
	if s.MaxItems != nil {
		add("at most %d", *s.MaxItems)
	}
	if s.Pattern != "" {
		add("as %s", s.Pattern)
	}
	if s.Default != nil {
		add("%v if absent", s.Default)
	}
	return strings.Join(b, ", ")
}

// needed tells whether a schema requires a property.
func needed(s *openapi3.Schema, property string) bool {
	return slices.Contains(s.Required, property)
}
