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
