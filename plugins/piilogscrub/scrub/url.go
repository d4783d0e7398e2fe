package scrub

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// url reads the text as a URL: a path, to which templates apply, and a query.
func (s *scan) url() {
	path, query := len(s.b), len(s.b)
	if i := bytes.IndexAny(s.b, "?#"); i >= 0 {
		path, query = i, i+1
	}
	s.query = true
	if len(s.e.templates) > 0 && s.templated(pathStart(s.b[:path]), path) {
		s.part(query, len(s.b), FormatQuery, 0)
		return
	}
	s.run()
}

// pathStart returns where the path of a URL begins.
func pathStart(b []byte) int {
	i := bytes.Index(b, []byte("://"))
	if i < 0 {
		return 0
	}
	if j := bytes.IndexByte(b[i+3:], '/'); j >= 0 {
		return i + 3 + j
	}
	return len(b)
}

// template is a parsed path template.
type template struct {
	text     string
	segments []segment
	open     bool // ends in "**"
}

// WithTemplate is e with one more path template, such as the route that a request took. A
// text that is none, or redacts nothing, leaves e as it is.
func (e *Engine) WithTemplate(text string) *Engine {
	if !strings.Contains(text, "{") {
		return e // without the making of an error
	}
	t, err := parseTemplate(text)
	if err != nil {
		return e
	}
	with := *e
	with.templates = append(slices.Clip(e.templates), t)
	return &with
}

// segment is one segment of a template.
type segment struct {
	literal string
	any     bool // any segment fits
	redact  bool
}

func parseTemplates(list []string) ([]template, error) {
	var out []template
	for _, s := range list {
		t, err := parseTemplate(s)
		if err != nil {
			return nil, fmt.Errorf("path template %q: %w", s, err)
		}
		out = append(out, t)
	}
	return out, nil
}

func parseTemplate(s string) (t template, err error) {
	t.text = s
	rest, ok := strings.CutPrefix(s, "/")
	if !ok {
		return t, fmt.Errorf("does not begin with '/'")
	}
	if rest, t.open = strings.CutSuffix(rest, "/**"); strings.Contains(rest, "**") {
		return t, fmt.Errorf(`"**" is for the end only`)
	}
	redacts := false
	for part := range strings.SplitSeq(rest, "/") {
		g := segment{literal: part, any: part == "*"}
		if strings.HasPrefix(part, "{") && strings.HasSuffix(part, "}") && len(part) > 2 {
			g.any, g.redact, redacts = true, true, true
		} else if strings.ContainsAny(part, "{}") {
			return t, fmt.Errorf("segment %q: braces enclose a whole segment", part)
		}
		t.segments = append(t.segments, g)
	}
	if !redacts {
		return t, fmt.Errorf("has no segment in braces, so it redacts nothing")
	}
	return t, nil
}

// templated redacts the segments of the path b[start:end] that a template which fits
// it has in braces, reads the others, and reports whether there is such a template.
func (s *scan) templated(start, end int) bool {
	t, ok := s.templateOf(start, end)
	if ok {
		s.redactSegments(t, start, end)
	}
	return ok
}

// templateOf returns the template that redacts what those do that fit the path b[start:end],
// and reports whether there is one.
func (s *scan) templateOf(start, end int) (all template, ok bool) {
	for _, t := range s.e.templates {
		if !t.fits(s.b[start:end]) {
			continue
		}
		if ok {
			t = all.and(t)
		}
		all, ok = t, true
	}
	return all, ok
}

// and is the template that redacts what either does, of a path that fits both.
func (t template) and(other template) template {
	long, short := t.segments, other.segments
	if len(long) < len(short) {
		long, short = short, long
	}
	t.segments = slices.Clone(long)
	for i := range short {
		t.segments[i].redact = long[i].redact || short[i].redact
	}
	return t
}

// Template returns the path template that a path fits, or "". Many paths share
// one, so it says what was asked for where the path says of whom.
func (e *Engine) Template(path []byte) string {
	for _, t := range e.templates {
		if t.fits(path) {
			return t.text
		}
	}
	return ""
}

// fits reports whether the template is one of this path.
func (t template) fits(path []byte) bool {
	for _, g := range t.segments {
		if len(path) == 0 || path[0] != '/' {
			return false
		}
		part := path[1:segmentEnd(path, 1)]
		if !g.any && string(part) != g.literal {
			return false
		}
		path = path[1+len(part):]
	}
	return t.open || len(path) == 0 || string(path) == "/"
}

func segmentEnd(path []byte, i int) int {
	if n := bytes.IndexByte(path[i:], '/'); n >= 0 {
		return i + n
	}
	return len(path)
}

// redactSegments redacts the template's segments, and reads the others.
func (s *scan) redactSegments(t template, start, end int) {
	i := start
	s.part(0, start, FormatText, 0)
	for _, g := range t.segments {
		stop := i + segmentEnd(s.b[i:end], 1)
		if g.redact {
			s.redactBy(RuleTemplate, Field, value{start: i + 1, end: stop})
		} else {
			s.part(i, stop, FormatText, 0)
		}
		i = stop
	}
	s.part(i, end, FormatText, 0)
}
