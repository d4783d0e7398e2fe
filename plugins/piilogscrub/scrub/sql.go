package scrub

import "bytes"

// statements redacts the passwords in statements of SQL: what is quoted behind PASSWORD or
// behind IDENTIFIED ... BY, as in
//
//	ALTER USER app WITH PASSWORD 'x'
//	CREATE USER app IDENTIFIED WITH caching_sha2_password BY 'x'
//	SET PASSWORD FOR app = PASSWORD('x')
func (s *scan) statements() {
	for i := 0; ; {
		n := bytes.IndexByte(s.b[i:], '\'')
		if n < 0 {
			return
		}
		i += n + 1
		if i-1 < s.done || !s.passwordBefore(i-1) {
			continue
		}
		v := value{start: i, end: s.sqlQuoteEnd(i), quoted: true}
		s.spend(v.end - v.start)
		if v.start < v.end && !s.e.isMarker(s.b[v.start:v.end]) {
			s.redactBy(RuleStatement, Field, v)
		}
		i = min(v.end+1, len(s.b))
	}
}

// maxClause is how many bytes may be between the words and the password of a clause.
const maxClause = 96

// passwordBefore reports whether the quote at b[i] opens a password: the word before it is
// PASSWORD, or BY that belongs to IDENTIFIED, or a sign that belongs to SET PASSWORD.
func (s *scan) passwordBefore(i int) bool {
	end := i
	for end > 0 && i-end < maxSignGap && (is(s.b[end-1], blank) || s.b[end-1] == '(' || s.query && s.b[end-1] == '+') {
		end--
	}
	switch {
	case wordEndsAt(s.b, end, "password"):
		return end < i
	case wordEndsAt(s.b, end, "by"), wordEndsAt(s.b, end, "as"):
		return s.clauseBefore(end, "identified")
	case at(s.b, end-1) == '=':
		return s.clauseBefore(end, "set password") || s.clauseBefore(end, "set+password") || s.clauseBefore(end, "pragma key")
	case wordEndsAt(s.b, end, "like"), wordEndsAt(s.b, end, "in"):
		return s.comparedBefore(end)
	}
	return false
}

// comparedBefore reports whether the operator that ends before b[end] compares a column with
// a secret's name.
func (s *scan) comparedBefore(end int) bool {
	for end > 0 && is(s.b[end-1], letter) {
		end--
	}
	r := s.fieldRole(s.nameEndingAt(end))
	return r&(roleField|roleSecret) != 0 && r&(roleWeak|roleNever|roleLine) == 0
}

// clauseBefore reports whether the words stand shortly before b[end], in the same statement.
func (s *scan) clauseBefore(end int, words string) bool {
	from := max(0, end-maxClause)
	s.spend(end - from)
	for i := end - len(words); i >= from; i-- {
		if s.b[i] == ';' {
			return false
		}
		if foldPrefix(s.b, i, words) && boundary(s.b, i) {
			return true
		}
	}
	return false
}

// wordEndsAt reports whether the lower-case word, in any case, ends before b[end].
func wordEndsAt(b []byte, end int, word string) bool {
	start := end - len(word)
	return foldPrefix(b, start, word) && boundary(b, start)
}

// sqlQuoteEnd returns where the string at b[i:] ends: at a quote that is neither doubled nor
// behind a backslash.
func (s *scan) sqlQuoteEnd(i int) int {
	for ; i < len(s.b); i++ {
		switch {
		case s.b[i] == '\\':
			i++
		case s.b[i] == '\'' && at(s.b, i+1) == '\'':
			i++
		case s.b[i] == '\'':
			return i
		}
	}
	return len(s.b)
}

// identifiedBy looks at the "by" at b[i]: behind IDENTIFIED stands a password, which is not
// in single quotes here.
func (s *scan) identifiedBy(i int) bool {
	if fold(at(s.b, i+1)) != 'y' || is(at(s.b, i+2), alnum) || !boundary(s.b, i) || !s.clauseBefore(i, "identified") {
		return false
	}
	j := i + 2
	for j < len(s.b) && j-i < maxSignGap && (is(s.b[j], blank) || s.query && s.b[j] == '+') {
		j++
	}
	v := value{start: j, end: s.unquotedEnd(min(j, len(s.b)))}
	switch c := at(s.b, j); {
	case j == i+2 || c == '\'':
		return false
	case c == '"' || c == '`':
		v = value{start: j + 1, end: s.quoteEnd(j, 0), quoted: true}
	}
	if v.start >= v.end || foldEqual(s.b[v.start:v.end], "password") || s.e.isMarker(s.b[v.start:v.end]) || s.e.isMarker(s.b[v.start:min(v.end+1, len(s.b))]) {
		return false
	}
	s.redactBy(RuleStatement, Field, v)
	return true
}
