package scrub

// paths redacts the segments of path templates in the paths that a text has in it: in a
// request line, a URL, or a value of its own. A path begins behind what cannot be a part of
// one, or behind a URL's host, and ends at its query, a quote or a blank.
func (s *scan) paths() {
	next, done := s.next, s.done
	for i := 0; i < len(s.b); i++ {
		if s.b[i] != '/' || !s.beginsPath(i) {
			continue
		}
		end := i
		for end < len(s.b) && !is(s.b[end], blank) && !endsPath(s.b[end]) {
			end++
		}
		if !s.spend(end - i) {
			return
		}
		if t, ok := s.templateOf(i, end); ok {
			s.redactPath(t, i, end)
		}
		i = end
	}
	s.next, s.done = max(s.next, next), max(s.done, done)
}

func endsPath(c byte) bool {
	switch c {
	case '?', '#', '"', '\'', '<', '>', '\\', '&', '|', '`':
		return true
	}
	return false
}

// beginsPath reports whether the '/' at b[i] begins a path.
func (s *scan) beginsPath(i int) bool {
	if i == 0 || is(s.b[i-1], blank) || s.b[i-1] == '=' || s.b[i-1] == '(' || endsPath(s.b[i-1]) || at(s.b, i+1) == '/' {
		return at(s.b, i+1) != '/'
	}
	j := i
	for j > 0 && i-j < maxDomain && s.b[j-1] != '/' && !is(s.b[j-1], blank) && !endsPath(s.b[j-1]) {
		j--
	}
	s.spend(i - j)
	return j >= 3 && s.b[j-1] == '/' && s.b[j-2] == '/' && s.b[j-3] == ':' && i > j
}

// redactPath redacts the segments of a template that fits the path b[start:end].
func (s *scan) redactPath(t template, start, end int) {
	for i, n := start, 0; n < len(t.segments); n++ {
		stop := i + segmentEnd(s.b[i:end], 1)
		if v := (value{start: i + 1, end: stop}); t.segments[n].redact && !s.e.isMarker(s.b[v.start:v.end]) {
			s.redactBy(RuleTemplate, Field, v)
		}
		i = stop
	}
}
