// Package scrubreport counts what a scrubber found in lines: by kind and rule, and by the
// route and the field that it was in. No part of a value is in what it says.
package scrubreport

import (
	"bytes"
	"encoding/json"
	"regexp"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// None stands for a field or a route that is not known.
const None = "-"

// Field names where in a line the bytes start to end are, as the line itself does: the path
// of a JSON value (request.querystring.email), the part of an access line (request), or
// the name before a value, and "?name" for a parameter of a query. The names are the line's
// own, and may hold personal data themselves.
func Field(line []byte, start, end int) string {
	if start < 0 || end > len(line) {
		return None // of a line that is not held
	}
	if path, value, ok := jsonField(line, end); ok {
		return with(path, within(line[min(value, start):start]))
	}
	if a, ok := scrub.ParseAccess(line); ok {
		return accessField(a, line, start)
	}
	if name := parameter(line[:start]); name != "" {
		return name
	}
	if name := named(line[:start]); name != "" {
		return name
	}
	return None
}

// within is the parameter or the name in a string, the end of which is given.
func within(before []byte) string {
	if name := parameter(before); name != "" {
		return name
	}
	return named(before)
}

// named is the name that a text ends in, with its sign.
func named(before []byte) string {
	if name := nameBefore.FindSubmatch(before[max(0, len(before)-maxName):]); name != nil {
		return string(name[1])
	}
	return ""
}

func with(field, parameter string) string {
	if parameter == "" {
		return field
	}
	return field + " " + parameter
}

// maxName is how many bytes before a value are looked at for its name.
const maxName = 80

var (
	nameBefore   = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.-]{0,63})\\*["']?\s*(?:=>|:=|[:=>])\s*\\*["']?(?:Bearer |Basic )?$`)
	nameOfQuery  = regexp.MustCompile(`^[A-Za-z0-9_.%\[\]-]{1,64}$`)
	accessFields = [...]string{"address", "user", "request", "referrer", "user_agent", "request_id", "rest"}
)

// parameter is "?name" if the end of a text is in a query's parameter of that name.
func parameter(before []byte) string {
	if i := bytes.LastIndexAny(before, " \""); i >= 0 {
		before = before[i+1:]
	}
	i := bytes.LastIndexAny(before, "?&")
	if i < 0 {
		return ""
	}
	name, _, ok := bytes.Cut(before[i+1:], []byte{'='})
	if !ok || !nameOfQuery.Match(name) {
		return ""
	}
	return "?" + string(name)
}

func accessField(a scrub.Access, line []byte, start int) string {
	for i, part := range [...]scrub.Span{a.Addr, a.User, a.Request, a.Referrer, a.Agent, a.RequestID, a.Rest} {
		if start >= part.Start && start < part.End {
			return with(accessFields[i], parameter(line[part.Start:start]))
		}
	}
	return None
}

// maxPath is how long a path of a JSON value may be.
const maxPath = 128

// jsonField is the path of the value of a JSON line that b[:end] ends in or behind, and
// where that value begins.
func jsonField(line []byte, end int) (path string, value int, ok bool) {
	if first := bytes.TrimLeft(line, " \t\r"); len(first) == 0 || first[0] != '{' && first[0] != '[' {
		return "", 0, false
	}
	w := walker{d: json.NewDecoder(bytes.NewReader(line)), end: end}
	w.d.UseNumber()
	if !w.value("") {
		return "", 0, false
	}
	if len(w.path) > maxPath {
		w.path = w.path[:maxPath]
	}
	if w.path == "" {
		w.path = None
	}
	return w.path, w.from, true
}

// walker walks over a JSON text up to a place in it.
type walker struct {
	d    *json.Decoder
	end  int
	path string
	from int
}

// value walks over a value, and reports whether the place is in it.
func (w *walker) value(path string) bool {
	from := int(w.d.InputOffset())
	token, err := w.d.Token()
	if err != nil {
		return false
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return w.reached(path, from)
	}
	for w.d.More() {
		inner := path + "[]"
		if delim == '{' {
			from := int(w.d.InputOffset())
			name, err := w.d.Token()
			if err != nil {
				return false
			}
			if w.reached(path, from) {
				return true // the name itself
			}
			inner = name.(string)
			if path != "" {
				inner = path + "." + inner
			}
		}
		if w.value(inner) {
			return true
		}
	}
	_, err = w.d.Token()
	return err == nil && w.reached(path, from)
}

func (w *walker) reached(path string, from int) bool {
	if int(w.d.InputOffset()) < w.end {
		return false
	}
	w.path, w.from = path, from
	return true
}
