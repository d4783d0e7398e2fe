package scrub

// amongFields reports whether what is taken for one number, up to b[end], is more likely
// several fields of a log line, side by side: a status, a time and a size. A number in
// groups with blanks between them stands between words, or alone; a field stands beside
// other fields.
func (s *scan) amongFields(n *number, end int) bool {
	if n.digits[0] == '0' && n.group[0].size() > 1 {
		return false // a trunk prefix: no field is written so
	}
	blanks := false
	for _, g := range n.group[1:n.groups] {
		blanks = blanks || g.start() < end && isFieldSeparator(g.sep)
	}
	return blanks && (s.fieldBefore(n.start) || s.b[n.start] != '(' && s.fieldBehind(end))
}

// fieldsAround reports whether a field of a log line is before or behind b[start:end].
func (s *scan) fieldsAround(start, end int) bool {
	return s.fieldBefore(start) || s.fieldBehind(end)
}

// fieldBefore reports whether a blank is before b[i] and, before that, anything but a
// word and its punctuation or another finding; or a '/' is before it.
func (s *scan) fieldBefore(i int) bool {
	switch {
	case i > 0 && s.b[i-1] == '/':
		return true // "TCP_MISS/200 4821"
	case i == 1 && isTab(s.b[0]) && s.base > 0:
		return true // what is behind the fields of a known format
	case i < 2 || s.done == i-1 || !isTab(s.b[i-1]) && (!s.query || s.b[i-1] != '+'):
		return false
	}
	i--
	for i > 0 && isTab(s.b[i-1]) {
		i--
	}
	if i > 0 && s.b[i-1] == ':' {
		return false
	}
	if i > 0 && s.b[i-1] == ',' {
		i--
	}
	start := i
	for start > 0 && i-start < maxName && (is(s.b[start-1], letter) || s.b[start-1] >= 0x80 || s.b[start-1] == '\'') {
		start--
	}
	s.spend(i - start)
	return start == i || start > 0 && !is(s.b[start-1], valueEnd) && s.b[start-1] != '=' && !isEscaped(s.b, start)
}

// fieldBehind reports whether a blank is at b[i] and, behind it, a number that is no
// beginning of another telephone number, a quote, or the '-' that stands for no value.
func (s *scan) fieldBehind(i int) bool {
	if !isTab(at(s.b, i)) || i+1 >= len(s.b) {
		return false
	}
	c, end := s.b[i+1], skipDigits(s.b, i+1)
	s.spend(end - i)
	switch {
	case isDigit(c):
		return (c != '0' || end == i+2) && (is(at(s.b, end), blank) || at(s.b, end) == '.')
	case c == '-':
		return isTab(at(s.b, i+2))
	}
	return c == '"'
}

// alone reports whether b[start:end] is a whole value: of a field, or of a text.
func (s *scan) alone(start, end int) bool {
	before, behind := at(s.b, start-1), at(s.b, end)
	return (start == 0 || is(before, valueEnd) && !isTab(before) || before == '=') && (end == len(s.b) || is(behind, valueEnd) && !isTab(behind))
}

func isTab(c byte) bool { return c == ' ' || c == '\t' }
