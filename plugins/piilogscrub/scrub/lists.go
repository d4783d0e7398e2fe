package scrub

import "bytes"

// lists redacts the second of two strings where the first is a secret's name:
// ["Authorization", "x"], ('X-Api-Key', 'x').
func (s *scan) lists() {
	for i := 0; ; {
		n := bytes.IndexByte(s.b[i:], ',')
		if n < 0 {
			return
		}
		i += n + 1
		quote, open := at(s.b, i-2), i
		if i < 2 || !isQuote(quote) {
			s.atom(i)
			continue
		}
		for open < len(s.b) && open-i < 2 && s.b[open] == ' ' {
			open++
		}
		if at(s.b, open) != quote || !s.namedInList(i-2) {
			continue
		}
		v := value{start: open + 1, end: s.quoteEnd(open, 0), quoted: true}
		if c := at(s.b, v.end+1); c != ']' && c != ')' || !s.spend(v.end-v.start) || v.start < s.done {
			continue
		}
		if r := s.fieldRole(s.nameEndingAt(i - 1)); v.start < v.end && isSecretValue(s.b[v.start:v.end], r) && s.fieldRole(s.b[v.start:v.end]) == 0 {
			s.named(v, r)
		}
		i = v.end
	}
}

// atom redacts the string behind the ',' before b[i] if what is before it is an atom with a
// secret's name: {:password, "x"}.
func (s *scan) atom(i int) {
	open := i
	for open < len(s.b) && open-i < 2 && s.b[open] == ' ' {
		open++
	}
	if at(s.b, open) != '"' {
		return
	}
	name := s.segmentEndingAt(i - 1)
	start := i - 1 - len(name)
	r := s.fieldRole(name)
	if c := at(s.b, start-1); at(s.b, start) == ':' || c != ':' && c != '{' || r&(roleField|roleSecret) == 0 || r&(roleWeak|roleNever|roleLine) != 0 {
		return
	}
	v := value{start: open + 1, end: s.quoteEnd(open, 0), quoted: true}
	if s.spend(v.end-v.start) && v.start < v.end && v.start >= s.done && (at(s.b, v.end+1) == '}' || at(s.b, v.end+1) == ')') {
		s.named(v, r)
	}
}

// namedInList reports whether the string that ends with the quote at b[i] begins a list, and
// is a secret's name.
func (s *scan) namedInList(i int) bool {
	name := s.segmentEndingAt(i)
	start := i - len(name)
	if c := at(s.b, start-2); at(s.b, start-1) != s.b[i] || c != '[' && c != '(' {
		return false
	}
	r := s.fieldRole(name)
	return r&roleSecret != 0 && r&(roleWeak|roleNever) == 0
}
