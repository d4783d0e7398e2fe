package scrub

import "bytes"

// literals redacts what programs' own ways to write values put behind a secret's name
// without a sign between the two: a call's argument, as in setPassword("x"), and PHP's
// s:8:"password";s:1:"x".
func (s *scan) literals() {
	for i := 0; ; {
		n := bytes.IndexByte(s.b[i:], '"')
		if n < 0 {
			return
		}
		i += n + 1
		switch at(s.b, i-2) {
		case '(':
			s.argument(i - 1)
		case ':':
			s.serialized(i - 1)
		}
		i = max(i, s.done)
	}
}

// argument redacts the string at b[i:], which is the first argument of a call whose name
// ends in a secret's name, unless the call only reads what is called so.
func (s *scan) argument(i int) {
	name := s.segmentEndingAt(i - 1)
	r := s.fieldRole(name)
	if r&(roleField|roleSecret) == 0 || r&(roleWeak|roleNever|roleLine|roleWhole) != 0 || isReader(name) {
		return
	}
	v := value{start: i + 1, end: s.quoteEnd(i, 0), quoted: true}
	if s.spend(v.end-v.start) && v.start < v.end && v.start >= s.done && (at(s.b, v.end+1) == ')' || at(s.b, v.end+1) == ',') {
		s.named(v, r)
	}
}

// isReader reports whether a call's name begins as that of one whose argument is the name of
// a secret, and no secret.
func isReader(name []byte) bool {
	for _, verb := range [...]string{"get", "find", "read", "load", "fetch", "lookup", "has", "is", "require", "delete", "remove", "create"} {
		if foldPrefix(name, 0, verb) {
			return true
		}
	}
	return false
}

// serialized redacts the string of PHP's serialize at b[i:] if the one before it is a
// secret's name.
func (s *scan) serialized(i int) {
	j := i - 1
	for j > 0 && isDigit(s.b[j-1]) {
		j--
	}
	const sign = `";s:`
	if j < len(sign) || j == i-1 || string(s.b[j-len(sign):j]) != sign {
		return
	}
	r := s.fieldRole(s.segmentEndingAt(j - len(sign)))
	v := value{start: i + 1, end: s.quoteEnd(i, 0), quoted: true}
	if r&(roleField|roleSecret) != 0 && r&roleNever == 0 && v.start < v.end && v.start >= s.done && s.spend(v.end-v.start) {
		s.named(v, r)
	}
}

// typedName returns where the name of a variable ends whose type stands before the '=' at
// b[end:], as in `var password string = "x"` and
// `let password: &str = "x"`; end itself if there is no type.
func typedName(b []byte, end int) int {
	if c := fold(at(b, end-1)); c != 'g' && c != 'r' {
		return end
	}
	for _, kind := range [...]string{" string", " str", " &str"} {
		n := end - len(kind)
		if n < 1 || !foldPrefix(b, n, kind) {
			continue
		}
		if b[n-1] == ':' {
			n--
		}
		if is(at(b, n-1), alnum) {
			return n
		}
	}
	return end
}

// skipType returns where the value begins that var_dump puts a type before: string(12) "x".
func skipType(b []byte, i int) int {
	if !foldPrefix(b, i, "string(") {
		return i
	}
	j := skipDigits(b, i+len("string("))
	if at(b, j) != ')' || at(b, j+1) != ' ' || at(b, j+2) != '"' {
		return i
	}
	return j + 2
}
