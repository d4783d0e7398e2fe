package kongrecord

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-faster/jx"
)

// Parse reads the JSON text of kong.log.serialize, and the notes in it. A field
// of an unexpected type is left zero: Lua's empty table may come as {} or as [].
//
// A record is some 2 kB, of which most is skipped: to have encoding/json look at all of
// it was a seventh of the CPU time that a request with a log event cost.
func Parse(record []byte) (*Record, error) {
	r := new(Record)
	d := jx.DecodeBytes(record)
	var statuses string
	err := object(d, func(d *jx.Decoder, key string) error {
		if key == "upstream_status" {
			return text(d, &statuses)
		}
		return r.field(d, key)
	})
	if err != nil {
		return nil, fmt.Errorf("decode log record: %w", err)
	}
	r.takeNotes()
	r.endTries(statuses)
	return r, nil
}

func (r *Record) field(d *jx.Decoder, key string) (err error) {
	switch key {
	case "request":
		return object(d, r.requestField)
	case "response":
		return object(d, r.responseField)
	case "latencies":
		return object(d, r.latency)
	case "started_at":
		return number(d, &r.StartedAt)
	case "route":
		return object(d, r.routeField)
	case "service":
		return object(d, r.Service.field)
	case "consumer":
		return object(d, r.consumerField)
	case "authenticated_entity":
		return object(d, func(d *jx.Decoder, key string) error { return only(d, key, "id", &r.Credential.ID) })
	case "client_ip":
		return text(d, &r.ClientIP)
	case "tries":
		return array(d, r.try)
	case "source":
		return text(d, &r.Source)
	case "trace_id":
		r.TraceID, err = value(d)
		return err
	case NotesField:
		r.Policies, err = value(d)
		return err
	}
	return d.Skip()
}

func (r *Record) requestField(d *jx.Decoder, key string) error {
	switch key {
	case "id":
		return text(d, &r.Request.ID)
	case "method":
		return text(d, &r.Request.Method)
	case "uri":
		return text(d, &r.Request.URI)
	case "url":
		return r.host(d)
	case "headers":
		return object(d, func(d *jx.Decoder, key string) error { return only(d, key, "user-agent", &r.Request.UserAgent) })
	case "tls":
		r.Request.TLS = d.Next() != jx.Null
	}
	return d.Skip()
}

// host takes the host and the port out of the request's URL, which Kong makes of what
// the client asked for. One that has been redacted says neither.
func (r *Record) host(d *jx.Decoder) error {
	var whole string
	if err := text(d, &whole); err != nil {
		return err
	}
	_, rest, found := strings.Cut(whole, "://")
	if !found {
		return nil
	}
	authority, _, _ := strings.Cut(rest, "/")
	r.Request.Host = authority
	if i := strings.LastIndexByte(authority, ':'); i >= 0 {
		if port, err := strconv.ParseUint(authority[i+1:], 10, 16); err == nil {
			r.Request.Host, r.Request.Port = authority[:i], int(port)
		}
	}
	return nil
}

func (r *Record) responseField(d *jx.Decoder, key string) error {
	switch key {
	case "status":
		var status float64
		err := number(d, &status)
		r.Response.Status = int(status)
		return err
	case "size":
		return number(d, &r.Response.Size)
	}
	return d.Skip()
}

func (r *Record) latency(d *jx.Decoder, key string) error {
	switch key {
	case "request":
		return number(d, &r.Latencies.Request)
	case "kong":
		return number(d, &r.Latencies.Kong)
	case "proxy":
		return number(d, &r.Latencies.Proxy)
	}
	return d.Skip()
}

func (r *Record) routeField(d *jx.Decoder, key string) error {
	if key != "paths" {
		return r.Route.field(d, key)
	}
	return array(d, func(d *jx.Decoder) error {
		var path string
		err := text(d, &path)
		r.Route.Paths = append(r.Route.Paths, path)
		return err
	})
}

func (r *Record) consumerField(d *jx.Decoder, key string) error {
	switch key {
	case "id":
		return text(d, &r.Consumer.ID)
	case "username":
		return text(d, &r.Consumer.Username)
	}
	return only(d, key, "custom_id", &r.Consumer.CustomID)
}

func (e *Entity) field(d *jx.Decoder, key string) error {
	if key == "id" {
		return text(d, &e.ID)
	}
	return only(d, key, "name", &e.Name)
}

// only reads the field of one name and skips any other.
func only(d *jx.Decoder, key, name string, into *string) error {
	if key != name {
		return d.Skip()
	}
	return text(d, into)
}

func object(d *jx.Decoder, field func(*jx.Decoder, string) error) error {
	if d.Next() != jx.Object {
		return d.Skip()
	}
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error { return field(d, string(key)) })
}

func array(d *jx.Decoder, element func(*jx.Decoder) error) error {
	if d.Next() != jx.Array {
		return d.Skip()
	}
	return d.Arr(element)
}

// text reads a string. A client may have had Kong write bytes that are not UTF-8.
func text(d *jx.Decoder, into *string) error {
	if d.Next() != jx.String {
		return d.Skip()
	}
	s, err := d.Str()
	*into = strings.ToValidUTF8(s, "\uFFFD")
	return err
}

func number(d *jx.Decoder, into *float64) error {
	if d.Next() != jx.Number {
		return d.Skip()
	}
	n, err := d.Num()
	if err != nil {
		return err
	}
	if f, err := n.Float64(); err == nil { // else out of range
		*into = f
	}
	return nil
}

// value reads anything, as encoding/json would into an any.
func value(d *jx.Decoder) (any, error) {
	switch d.Next() {
	case jx.Object:
		m := map[string]any{}
		err := object(d, func(d *jx.Decoder, key string) (err error) {
			m[key], err = value(d)
			return err
		})
		return m, err
	case jx.Array:
		list := []any{}
		err := array(d, func(d *jx.Decoder) error {
			v, err := value(d)
			list = append(list, v)
			return err
		})
		return list, err
	case jx.String:
		var s string
		err := text(d, &s)
		return s, err
	case jx.Number:
		var f float64
		err := number(d, &f)
		return f, err
	case jx.Bool:
		return d.Bool()
	default:
		return nil, d.Skip()
	}
}
