package scrub

import "bytes"

// proseBefore returns the part of b[from:start] whose words speak of what stands at
// b[start]: no more than what is behind the last URL, product or quoted text. Those are
// other fields of a log line, as in `"… Mobile Safari/537.36" 200 4821`.
func (s *scan) proseBefore(from, start int) []byte {
	end := start
	for end > from && isLead(s.b[end-1]) && s.b[end-1] != ' ' {
		end-- // the quote that opens before a value
	}
	for i := end; i > from; {
		for i > from && endsWord(s.b[i-1]) {
			i--
		}
		stop := i
		for i > from && !endsWord(s.b[i-1]) {
			i--
		}
		if s.isOtherField(i, stop) || i == from && i > s.done && !endsWord(s.b[i-1]) { // half a word is none
			return s.b[stop:start]
		}
	}
	return s.b[from:start]
}

// endsWord reports whether c stands between the words of a sentence or a query.
func endsWord(c byte) bool {
	return is(c, blank) || c == ',' || c == ';' || c == '(' || c == '&' || c == '=' || c == '?'
}

// isOtherField reports whether the word b[start:stop] ends a field: a quoted text, though
// not a single word in quotes, or a URL, a path, a product and its version, a host.
func (s *scan) isOtherField(start, stop int) bool {
	w := s.b[start:stop]
	if n := len(w); n > 1 && w[n-1] == '"' && w[n-2] != '\\' && w[0] != '"' && at(s.b, stop) == ' ' {
		return true
	}
	letters := lettersIn(w)
	if letters == 0 {
		return false
	}
	if n := bytes.IndexByte(w, '/'); n >= 0 {
		return letters < len(w)-1 || s.e.words.rolesIn(w[:n]) == 0 || s.e.words.rolesIn(w[n+1:]) == 0 // not as "phone/fax"
	}
	n := bytes.LastIndexAny(bytes.TrimRight(w, ".-_"), ".-_")
	return n > 0 && s.e.words.rolesIn(w[n:]) == 0 && s.e.words.rolesIn(w[:n])&roleNational == 0 // "mobile-api-7d9c5b6f4", not as "cell-phone", "steuer-id"
}

func lettersIn(w []byte) (n int) {
	for _, c := range w {
		if is(c, letter) {
			n++
		}
	}
	return n
}
