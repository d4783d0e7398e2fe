package scrub

import "bytes"

const (
	maxStringPrefix = 8   // bytes of the longest prefix of a string, "_utf8mb4"
	maxCall         = 512 // bytes of a call that are looked at
	maxTagged       = 32  // bytes of a YAML tag
)

// stringPrefixes are what languages put before the quote of a string, in lower case:
// Python's b"x", SQL's N'x', PostgreSQL's E'x', the shell's $'x', C#'s @"x", MySQL's _utf8'x'.
var stringPrefixes = map[string]bool{
	"b": true, "u": true, "r": true, "f": true, "n": true, "e": true, "x": true, "l": true, "br": true, "rb": true, "fr": true, "rf": true,
	"u8": true, "@": true, "$": true, "$@": true, "@$": true, "q": true, "_utf8": true, "_utf8mb3": true, "_utf8mb4": true, "_latin1": true, "_binary": true,
}

// behindPrefix returns where the quote is, or its backslashes, that follows the prefix of a
// string at b[i:]; i if there is none. A quote that closes another string is none: nothing
// of a value stands behind it.
func (s *scan) behindPrefix(i int) int {
	j := i
	for j < len(s.b) && j-i < maxStringPrefix && (is(s.b[j], alnum) || s.b[j] == '_' || s.b[j] == '@' || s.b[j] == '$') {
		j++
	}
	quote := backslashesEnd(s.b, j)
	if j == i || !isQuote(at(s.b, quote)) || is(at(s.b, quote+1), valueEnd) {
		return i
	}
	var word [maxStringPrefix]byte
	for k, c := range s.b[i:j] {
		word[k] = fold(c)
	}
	if !stringPrefixes[string(word[:j-i])] || s.quoteEnd(quote, quote-j) == len(s.b) {
		return i
	}
	return j
}

// behindTag skips what YAML puts before a value at b[i:], and the blanks behind it: a tag or an
// anchor, such as "!!str" and "&pw", and the sign of a block that is on the next line.
func (s *scan) behindTag(i int) int {
	j := i
	switch c := at(s.b, i); {
	case c == '|' || c == '>':
		for j++; at(s.b, j) == '-' || at(s.b, j) == '+' || isDigit(at(s.b, j)); {
			j++
		}
		if j < len(s.b) && s.b[j] != '\n' && !isEscaped(s.b, j+1) {
			return i
		}
	case c == '!' || c == '&' && !s.query:
		for j++; j < len(s.b) && j-i < maxTagged && (is(s.b[j], wordByte) || s.b[j] == '!' || s.b[j] == '/'); {
			j++
		}
	default:
		return i
	}
	end, _ := trimBlank(s.b, j, min(len(s.b), j+maxSignGap))
	if end == j || end == len(s.b) || s.b[end] == '=' { // Rust's type: `password: &str = "x"`
		return i
	}
	return end
}

// quotedValue returns what stands in the quotes that open at b[i], which escaped backslashes
// are before. A quote that is doubled in them is a part of it, three quotes are closed by
// three, and where those around the name were doubled as in CSV, so are those around it.
func (s *scan) quotedValue(i, escaped int, doubled bool) value {
	quote := s.b[i-escaped : i+1]
	start, size := i+1, len(quote)
	for _, times := range [...]int{3, 2} {
		open := bytes.Repeat(quote, times)
		if times == 2 && !doubled || !bytes.HasPrefix(s.b[i-escaped:], open) {
			continue
		}
		from := start + (times-1)*size
		if n := bytes.Index(s.b[from:], open); n >= 0 {
			return value{start: from, end: from + n, quoted: true}
		}
	}
	end := s.quoteEnd(i, escaped)
	for end > start && bytes.HasPrefix(s.b[min(end+size, len(s.b)):], quote) {
		next := s.quoteEnd(end+2*size-1, escaped)
		if s.spend(next - end); next == len(s.b) {
			break
		}
		end = next
	}
	return s.changed(value{start: start, end: end, quoted: true}, quote)
}

// changed is a value with the one that it becomes, as in `"old" -> "new"`.
func (s *scan) changed(v value, quote []byte) value {
	j := v.end + len(quote)
	for j < len(s.b) && j-v.end < maxSignGap && isTab(s.b[j]) {
		j++
	}
	if at(s.b, j) != '-' || at(s.b, j+1) != '>' {
		return v
	}
	next := j + len("->")
	for next < len(s.b) && next-j < maxSignGap && isTab(s.b[next]) {
		next++
	}
	switch {
	case next == len(s.b) || s.e.isMarker(s.b[v.start:v.end]) && len(quote) == 0:
	case len(quote) == 0:
		v.end = s.findUnquotedEnd(next)
	case bytes.HasPrefix(s.b[next:], quote):
		v.end = s.quoteEnd(next+len(quote)-1, len(quote)-1)
	}
	s.spend(v.end - next)
	return v
}

// callEnd returns the end of the call at b[i:] that a value is, as in `MD5('x')`,
// `new String("x")` and `$(cat x)`; i if there is none, or nothing in its brackets.
func (s *scan) callEnd(i int) int {
	j := i
	if foldPrefix(s.b, j, "new ") {
		j += len("new ")
	}
	for j < len(s.b) && j-i < maxName && (is(s.b[j], nameByte) && s.b[j] != '[' && s.b[j] != ']' || s.b[j] == ':') {
		j++
	}
	if j == i || at(s.b, j) != '(' || at(s.b, j+1) == ')' {
		return i
	}
	depth, run, limit := 0, 0, min(len(s.b), j+maxCall)
	defer func() { s.spend(j - i) }()
	for ; j < limit; j++ {
		switch s.b[j] {
		case '\\':
			run++
			continue
		case '"', '\'':
			end := s.quoteEnd(j, run)
			j = backslashesEnd(s.b, end)
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return j + 1
			}
		}
		run = 0
	}
	return i
}

// bracedEnd returns the end of the value of a data source that opens with the brace at b[i],
// in which a closing brace is doubled (ODBC, "Connection string format"); 0 if it is none.
func (s *scan) bracedEnd(i int) int {
	for j := i + 1; j < len(s.b) && s.b[j] != '\n'; j++ {
		if s.b[j] != '}' {
			continue
		}
		if at(s.b, j+1) == '}' {
			j++
			continue
		}
		if c := at(s.b, j+1); s.spend(j-i) && (j+1 == len(s.b) || c == ';' || c == '"' || c == '\\') {
			return j + 1
		}
		break
	}
	return 0
}

// listedEnd returns the end of a value with blanks in it that stands in the list of a data
// source: before the next ';', where one is before its name, or a name and a '=' are behind
// it. The value begins at b[i], and its first word ends before b[end].
func (s *scan) listedEnd(sign, i, end int) int {
	if !isTab(at(s.b, end)) {
		return end
	}
	j := end
	for j < len(s.b) && j-i < maxName && s.b[j] != ';' && s.b[j] != '=' && s.b[j] != '\n' && !isQuote(s.b[j]) && s.b[j] != '\\' {
		j++
	}
	s.spend(j - end)
	closes := at(s.b, j) == ';' || at(s.b, j) == '"' || at(s.b, j) == '\\' && at(s.b, j+1) == '"'
	start := nameEnd(s.b, sign) - len(s.nameEndingAt(sign))
	for start > 0 && sign-start < maxName && isTab(s.b[start-1]) {
		start--
	}
	switch {
	case closes && at(s.b, start-1) == ';', at(s.b, j) == ';' && isAlpha(at(s.b, j+1)) && isAssignment(s.b, j+1):
		return j
	}
	return end
}

// schemes are the authentication schemes behind which a '=' has a credential, as it does not
// say where its value ends (IANA's registry, and what vendors have), in lower case.
var schemes = map[string]bool{
	"basic": true, "bearer": true, "digest": true, "dpop": true, "gnap": true, "hoba": true, "mutual": true, "negotiate": true, "oauth": true,
	"privatetoken": true, "vapid": true, "ntlm": true, "token": true, "apikey": true, "api-key": true, "key": true, "hawk": true, "jwt": true,
	"bot": true, "ssws": true, "splunk": true, "geniekey": true, "aws": true, "kerberos": true, "signature": true,
}

// schemeEnd returns the end of the credential behind the scheme b[i:end]; end if that is none.
func (s *scan) schemeEnd(i, end int) int {
	var word [maxStringPrefix * 2]byte
	next := s.behindScheme(end)
	if next == end || next == len(s.b) || end-i > len(word) || !isScheme(s.b[i:end]) {
		return end
	}
	for k, c := range s.b[i:end] {
		word[k] = fold(c)
	}
	stop := s.findUnquotedEnd(next)
	if s.spend(stop - next); schemes[string(word[:end-i])] || isRandom(s.b[next:stop]) && bytes.IndexByte(s.b[next:stop], '=') < 0 {
		return stop
	}
	return end
}

// cookiesEnd returns the end of the list of cookies the first of which is b[i:end].
func (s *scan) cookiesEnd(i, end int) int {
	for first := true; first || end > i; first = false {
		if at(s.b, end) != ';' || first && bytes.IndexByte(s.b[i:end], '=') < 0 {
			return end
		}
		j := end + 1
		for j < len(s.b) && j-end < maxSignGap && isTab(s.b[j]) {
			j++
		}
		name := j
		for j < len(s.b) && j-name < maxName && (is(s.b[j], nameByte) || s.b[j] == '!' || s.b[j] == '#') {
			j++
		}
		if j == name || at(s.b, j) != '=' {
			return end
		}
		stop := s.findUnquotedEnd(j + 1)
		if !s.spend(stop - end) {
			return end
		}
		end = stop
	}
	return end
}
