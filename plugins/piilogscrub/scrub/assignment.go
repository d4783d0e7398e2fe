package scrub

import "bytes"

// assignment looks at the '=' or ':' at b[i]: if the name before it is one whose
// values are redacted, so is the value behind it.
func (s *scan) assignment(i int) {
	end := nameEnd(s.b, i)
	if !s.e.fields.maybe(s.b, end) {
		return
	}
	r := s.roleBefore(i)
	if r&(roleField|roleSecret) == 0 || r&roleNever != 0 {
		return
	}
	v := s.valueBehind(i, r)
	if v.start >= v.end || v.start < s.done {
		return
	}
	if s.saysNothing(i, end, v, r) {
		return
	}
	if !s.isParameter(end - len(s.nameEndingAt(i))) {
		r |= roleAmong
	}
	if !v.quoted {
		v.quote = s.quoteBefore(i)
	}
	s.named(v, r)
}

// maxSignGap is how many bytes stand between a name and its sign, where a list is aligned.
const maxSignGap = 32

// nameEnd returns where the name before the sign at b[i] ends: before blanks and quotes.
func nameEnd(b []byte, i int) int {
	end := i
	for end > 0 && i-end < maxSignGap && isNameEnd(b[end-1]) {
		end--
	}
	if at(b, end-1) == ']' && end > 2 {
		end = indexEnd(b, end)
	}
	return typedName(b, end)
}

// indexEnd returns where the name ends that is in quotes within the ']' before b[end], as in
// $config['password'], or that the default of a prompt is behind, as in "Key [None]: ".
func indexEnd(b []byte, end int) int {
	if isQuote(b[end-2]) {
		for end--; end > 0 && (isQuote(b[end-1]) || b[end-1] == '\\'); {
			end--
		}
		return end
	}
	for j := end - 1; j > 1 && end-j < maxSignGap; j-- {
		if b[j] == '[' {
			if b[j-1] == ' ' && isAlpha(b[j-2]) && (b[j+1] == '*' || foldPrefix(b, j+1, "none]")) {
				return j - 1
			}
			break
		}
	}
	return end
}

func isNameEnd(c byte) bool {
	return c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '\\' || c == '`'
}

// saysNothing reports whether the value behind a secret's name and the sign at b[i] is a
// part of a sentence, as in "invalid token: signature is wrong", or the name of another
// value, as in "key=region value=eu".
func (s *scan) saysNothing(i, end int, v value, r role) bool {
	word := s.b[v.start:v.end]
	switch {
	case r&roleWeak != 0 && s.namesNext(v), r&roleWhole != 0 && isNumeric(word) && s.saysMore(v), r&roleCount != 0 && isNumeric(word) && s.countsNext(v):
		return true
	case s.b[i] != ':' || end != i || v.quoted || !is(at(s.b, i+1), blank) || s.query:
		return false
	case r&roleField != 0:
		return r&roleLine == 0 && isStateWord(word) || r&roleCount != 0 && string(s.nameEndingAt(end)) == "PASS" // a test's result
	}
	if !isWords(word) {
		return false
	}
	if r&roleWeak != 0 {
		return len(word) < minLetters
	}
	start := end - len(s.nameEndingAt(i))
	return at(s.b, v.end) == ' ' && isAlpha(at(s.b, v.end+1)) && start > 1 && s.b[start-1] == ' ' && isAlpha(s.b[start-2])
}

// isParameter reports whether the name that begins at b[start] is one of a query string, or an
// option.
func (s *scan) isParameter(start int) bool {
	c := at(s.b, start-1)
	return s.query || c == '?' || c == '&' || at(s.b, start) == '-'
}

// value is the value that stands behind a name.
type value struct {
	start, end int
	quoted     bool   // within quotes, which are not a part of it
	quote      string // of a JSON number, literal, array or object: the quotes around what stands in for it
}

// named redacts the value of a name with the role r.
func (s *scan) named(v value, r role) {
	text := s.b[v.start:v.end]
	switch {
	case s.e.isMarker(text) || v.quote != "" && string(text) == "null":
		s.next = v.end
	case r&roleAddress != 0 && isNetworkAddress(text):
	case r&roleCount != 0 && isCount(text), r&roleSerial != 0 && isSerial(text):
	case r&roleData != 0 && r&roleAmong != 0 && v.quote != "": // a number, by which something is grouped
	case r&(roleField|roleLine) == roleLine && bytes.IndexByte(text, '=') < 0: // cookies are names and values
	case r&roleField == 0:
		if s.spend(min(len(text), maxRandom)); isSecretValue(text, r) && jwtEnd(text, 0) != len(text) && !s.isOne(v, 0) {
			s.redactValue(Secret, v)
		}
	case r&roleAuth != 0:
		s.authorization(v)
	case r&^(roleField|roleLine|roleSecret) != 0 && s.isOne(v, r):
	default:
		s.redactValue(Field, v)
	}
}

// redactValue redacts the value of a name.
func (s *scan) redactValue(k Kind, v value) { s.redactBy(RuleName, k, v) }

func (s *scan) redactBy(r Rule, k Kind, v value) {
	if s.e.actions[k] == Keep || v.start >= v.end {
		return
	}
	s.record(finding{kind: k, rule: r, start: v.start, end: v.end, quote: v.quote}, s.b[v.start:v.end])
}

const maxOne = 512 // bytes of the longest value that is looked at as one of a kind

// isOne redacts a value that is, as a whole, of one of the kinds that its name
// speaks of, and reports whether it is.
func (s *scan) isOne(v value, r role) bool {
	for !v.quoted && v.end > v.start && s.b[v.end-1] == '.' {
		v.end-- // a sentence's full stop
	}
	if v.end-v.start > maxOne {
		return false
	}
	first, outer := len(s.findings.list), s.enter(v.start, v.end, r)
	s.one = true
	s.run()
	if list := s.findings.list[first:]; s.blocked || len(list) != 1 || list[0].end-list[0].start != v.end-v.start {
		s.window, s.blocked = outer, false
		s.findings.list = s.findings.list[:first]
		return false
	}
	s.leave(outer, first, v.start, v.end)
	s.findings.list[first].quote = v.quote
	return true
}

// valueBehind returns the value behind the separator at b[i].
func (s *scan) valueBehind(i int, r role) value {
	sign := i + 1
	for sign-i < maxSign && (at(s.b, sign) == '=' || at(s.b, sign) == '>') {
		sign++ // ":=", "=>"
	}
	if s.b[i] == ':' && at(s.b, sign) == ':' && isTab(at(s.b, sign+1)) {
		sign++ // LDIF's sign before base64
	}
	j := sign
	for j < len(s.b) && j-sign < maxSignGap && is(s.b[j], blank) {
		j++
	}
	if s.b[i] == '=' && j > sign && (s.isNameNext(sign, j, sign == i+1 && r&roleLine == 0) || s.isPadding(i)) {
		return value{} // "password= next=1": no value
	}
	j = s.behindPrefix(s.behindTag(skipType(s.b, j)))
	escaped := 0
	for escaped < maxEscapes && at(s.b, j) == '\\' && (at(s.b, j+1) == '\\' || at(s.b, j+1) == '"') {
		escaped, j = escaped+1, j+1
	}
	switch c := at(s.b, j); {
	case c == '"' || c == '\'' || c == '`':
		v := s.quotedValue(j, escaped, s.isDoubled(i, c))
		s.spend(v.end - v.start)
		return v
	case (c == '{' || c == '[') && !s.query && !s.e.isMarker(s.b[j:s.unquotedEnd(j)]):
		if end := s.bracedEnd(j); c == '{' && s.b[i] == '=' && end > 0 {
			return value{start: j, end: end}
		}
		return value{start: j, end: s.bracketEnd(j)}
	case r&roleLine != 0 && s.b[i] == ':' && (s.quoteBefore(i) == "" || !isLiteral(s.b[j:s.unquotedEnd(j)])):
		return value{start: j, end: s.lineEnd(j)}
	}
	return s.unquotedValue(i, j, r)
}

// isDoubled reports whether the name before the sign at b[i] ends in two quotes, as in CSV.
func (s *scan) isDoubled(i int, quote byte) bool {
	n := backslashesBefore(s.b, i-1)
	return at(s.b, i-1) == quote && at(s.b, i-2-n) == quote
}

// unquotedValue returns the value at b[j] behind the sign at b[i], which no quotes are around.
func (s *scan) unquotedValue(i, j int, r role) value {
	if r&roleWeak == 0 {
		if end := s.callEnd(j); end > j {
			return value{start: j, end: end}
		}
	}
	v := value{start: j, end: s.unquotedEnd(j)}
	switch {
	case r&roleAuth != 0:
		v.end = s.schemeEnd(j, v.end)
	case s.b[i] == ':':
		v = s.changed(v, nil)
	case r&roleLine != 0 && !s.query:
		v.end = s.cookiesEnd(j, v.end)
	case r&roleField != 0 && r&roleSecret != 0 && !s.query:
		v.end = s.listedEnd(i, j, v.end)
	}
	return v
}

const (
	maxSign    = 3 // bytes of a sign, such as "=>"
	maxEscapes = 7 // backslashes before a quote: JSON in JSON in JSON
)

// isPadding reports whether the '=' at b[i] ends a text in base64, which happens to end in a
// secret's name: as "...aPw= next".
func (s *scan) isPadding(i int) bool {
	const longest = 32 // bytes of the longest name
	name := s.nameEndingAt(i)
	before := at(s.b, nameEnd(s.b, i)-len(name)-1)
	return len(name) > longest || before == '/' || before == '+' && !s.query
}

// isNameNext reports whether what stands behind a '=' and blanks is on another line, or the
// name of the next value where there may be one.
func (s *scan) isNameNext(sign, j int, may bool) bool {
	for _, c := range s.b[sign:j] {
		if c == '\n' || c == '\r' {
			return true
		}
	}
	if !may {
		return false
	}
	end := j
	for end < len(s.b) && end-j < maxName && is(s.b[end], nameByte) {
		end++
	}
	s.spend(end - j)
	c := at(s.b, end)
	return end > j && (c == '=' && at(s.b, end+1) != '=' && end+1 < len(s.b) || c == ':' && at(s.b, end+1) != ':')
}

// quoteEnd returns where the quotes that open at b[i] close, or the text's end. Before them
// stand as many backslashes as escape them, 0 where they are no part of another string.
func (s *scan) quoteEnd(i, escaped int) int {
	run := 0 // backslashes before b[j]
	for j := i + 1; j < len(s.b); j++ {
		switch c := s.b[j]; {
		case c == '\\':
			run++
			continue
		case c == s.b[i] && escaped == 0 && run%2 == 0:
			return j
		case c == s.b[i] && escaped > 0 && run <= escaped:
			return j - run
		}
		run = 0
	}
	return len(s.b)
}

// bracketEnd returns the end of the JSON array or object that opens at b[i], or
// that of the quotes around it, or the text's end. In a string of JSON its own quotes have
// backslashes, as many as the first one has.
func (s *scan) bracketEnd(i int) int {
	depth, escaped, run := 0, -1, 0
	for j := i; j < len(s.b); j++ {
		switch s.b[j] {
		case '\\':
			run++
			continue
		case '"':
			if escaped < 0 {
				escaped = run
			}
			if run < escaped {
				return j - run
			}
			end := s.quoteEnd(j, escaped)
			if j = backslashesEnd(s.b, end); j-end < escaped {
				return end
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return j + 1
			}
		}
		run = 0
	}
	return len(s.b)
}

// lineEnd returns the end of the line, or of the quotes, that b[i] stands in.
func (s *scan) lineEnd(i int) int {
	for j := i; j < len(s.b); j++ {
		if c := s.b[j]; c == '\n' || c == '\r' || c == '"' || c == '\\' && at(s.b, j+1) != '\\' {
			return j
		}
	}
	return len(s.b)
}

// unquotedEnd returns the end of the value at b[i] that has no quotes: a blank, a
// quote or '&', or another byte that ends values where no letter or digit
// follows it. In a query string '&' and what cannot be in one. A ';' or a '?' ends it
// where a name and a '=' follow.
func (s *scan) unquotedEnd(i int) int {
	if i < s.unquoted.start || i >= s.unquoted.end {
		s.unquoted = span{i, s.findUnquotedEnd(i)}
		s.spend(s.unquoted.end - i)
	}
	return s.unquoted.end
}

// isAssignment reports whether a name of letters and a '=' are at b[i:], as behind a value
// in a list: "Password=x;Trust Server Certificate=True".
func isAssignment(b []byte, i int) bool {
	start := i
	for i < len(b) && i-start < maxName && (is(b[i], alnum) || b[i] == ' ' || b[i] == '_' || b[i] == '-') {
		i++
	}
	return i-start > 1 && at(b, i) == '=' && is(at(b, start), letter|blank)
}

func (s *scan) findUnquotedEnd(i int) int {
	for j := i; j < len(s.b); j++ {
		c := s.b[j]
		switch {
		case c == '?' && isAssignment(s.b, j+1):
			return j // a query behind a parameter of a path
		case !is(c, valueEnd):
		case c == '&' || c == '"' || is(c, blank) || c == ';' && isAssignment(s.b, j+1):
			return j
		case s.query:
		case c == '\'' || !is(at(s.b, j+1), alnum):
			return j
		}
	}
	return len(s.b)
}
