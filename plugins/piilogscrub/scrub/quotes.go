package scrub

// escapedQuote is a quote of JSON in JSON in JSON.
const escapedQuote = `\\\\\\\"`

// quoteMark returns a quote with n backslashes before it, at most maxEscapes.
func quoteMark(n int) string { return escapedQuote[max(0, maxEscapes-n):] }

// jsonQuote is how a quote is written in the window.
func (s *scan) jsonQuote() string { return quoteMark(s.escapes) }

// quoteBefore returns the quote that closes the name before the sign at b[i], with its
// backslashes, "" if the name has none: what stands in for a number or an array behind it
// has such quotes, too, so that JSON stays JSON.
func (s *scan) quoteBefore(i int) string {
	j := i
	for s.b[i] == ':' && i-j < maxSignGap && isTab(at(s.b, j-1)) && j > 0 {
		j--
	}
	if at(s.b, j-1) != '"' {
		return ""
	}
	return quoteMark(max(s.escapes, backslashesBefore(s.b, j-1)))
}

// memberQuote is quoteBefore for what was found at b[start:end] by its form: a number that
// is all of a member's value, as in `"id":4111111111111111`.
func (s *scan) memberQuote(start, end int) string {
	sign := start - 1
	for sign > 0 && start-sign < maxSignGap && isTab(s.b[sign]) {
		sign--
	}
	if at(s.b, sign) != ':' || skipDigits(s.b, start) != end || end < len(s.b) && !is(s.b[end], valueEnd) {
		return ""
	}
	return s.quoteBefore(sign)
}

func backslashesBefore(b []byte, i int) (n int) {
	for n < maxEscapes && at(b, i-n-1) == '\\' {
		n++
	}
	return n
}

func backslashesEnd(b []byte, i int) int {
	for i < len(b) && b[i] == '\\' {
		i++
	}
	return i
}

// isLiteral reports whether a value is a number or a literal of JSON (RFC 8259, 3).
func isLiteral(v []byte) bool {
	switch string(v) {
	case "true", "false", "null":
		return true
	}
	for _, c := range v {
		if !isDigit(c) && c != '-' && c != '+' && c != '.' && c|0x20 != 'e' {
			return false
		}
	}
	return len(v) > 0
}
