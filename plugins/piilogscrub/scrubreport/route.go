package scrubreport

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// Routes finds the route that a line is of.
type Routes struct{ list []path }

// path is one of a route's.
type path struct {
	route  string
	prefix string
	regex  *regexp.Regexp // in place of a prefix
}

// Add makes a route known by its paths, as Kong has them: prefixes, and regular expressions
// behind a '~'. What is no expression of Go's is left out.
func (r *Routes) Add(route string, paths ...string) {
	for _, text := range paths {
		one := path{route: route, prefix: text}
		if expression, ok := strings.CutPrefix(text, "~"); ok {
			var err error
			if one.regex, err = regexp.Compile("^(?:" + expression + ")"); err != nil {
				continue
			}
		}
		r.list = append(r.list, one)
	}
	// Regular expressions go first, as in Kong, and then the longest prefix.
	slices.SortStableFunc(r.list, func(a, b path) int {
		if (a.regex == nil) != (b.regex == nil) {
			return cmp.Compare(rank(a), rank(b))
		}
		return len(b.prefix) - len(a.prefix)
	})
}

func rank(p path) int {
	if p.regex != nil {
		return 0
	}
	return 1
}

// Of is the name of a line's route: the one that the line tells, as what Kong's log plugins
// write and as an audit record does, or else the one whose path fits best. It is [None] if
// nothing says.
func (r *Routes) Of(line []byte) string {
	name, uri := told(line)
	if name != "" {
		return name
	}
	uri, _, _ = strings.Cut(uri, "?")
	for _, p := range r.list {
		if p.regex != nil && p.regex.MatchString(uri) || p.regex == nil && uri != "" && strings.HasPrefix(uri, p.prefix) {
			return p.route
		}
	}
	return None
}

// told is what a line says of its route, and the target of its request.
func told(line []byte) (route, uri string) {
	if a, ok := scrub.ParseAccess(line); ok {
		return "", target(string(a.Request.Of(line)))
	}
	var record struct {
		Route, Request, Path json.RawMessage
	}
	if json.Unmarshal(line, &record) != nil {
		return "", ""
	}
	var of struct{ Name, ID, URI string }
	if text := text(record.Route); text != "" {
		return text, ""
	}
	if json.Unmarshal(record.Route, &of) == nil && cmp.Or(of.Name, of.ID) != "" {
		return cmp.Or(of.Name, of.ID), ""
	}
	if json.Unmarshal(record.Request, &of) == nil && of.URI != "" {
		return "", of.URI
	}
	return "", cmp.Or(target(text(record.Request)), text(record.Path))
}

// text is a JSON string's, empty for anything else.
func text(raw json.RawMessage) (s string) {
	if !bytes.HasPrefix(raw, []byte{'"'}) || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// target is that of a request line.
func target(request string) string {
	_, rest, _ := strings.Cut(request, " ")
	uri, _, _ := strings.Cut(rest, " ")
	return uri
}
