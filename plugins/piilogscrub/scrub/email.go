package scrub

import "bytes"

const (
	maxLocal  = 256 // RFC 5321 allows 64; what is longer is redacted all the same
	maxDomain = 255
)

// email looks at the '@' at b[i]: an address, or the credentials of a URL.
func (s *scan) email(i int) {
	if start, end, ok := s.userinfo(i); ok {
		s.emit(Credential, start, end)
		return
	}
	if start, ok := s.dataSource(i); ok {
		s.emit(Credential, start, i)
		return
	}
	if isTab(at(s.b, i+1)) && isTab(at(s.b, i-1)) {
		s.spacedEmail(i)
		return
	}
	end := domainEnd(s.b, i+1)
	if end == 0 {
		return
	}
	if start := s.localStart(i); start < i && !isRetina(s.b[i+1:end]) {
		s.emit(Email, start, end)
	}
}

// spacedEmail looks at the '@' at b[i], which has a blank on either side, as people write to
// hide an address from programs. The local part must be more than a word: "meet @ example.com".
func (s *scan) spacedEmail(i int) {
	end, start := domainEnd(s.b, i+2), s.localStart(i-1)
	if end > 0 && start < i-1 && isAlpha(s.b[start]) && bytes.ContainsAny(s.b[start:i-1], "._+-0123456789") && isAlpha(s.b[i-2]) {
		s.emit(Email, start, end)
	}
}

// octalEmail looks at the backslash at b[i] as the beginning of "\100", which is an '@' in C and
// in shells, and reports whether there is an address around it.
func (s *scan) octalEmail(i int) bool {
	const sign = "\\100"
	if len(s.b)-i <= len(sign) || string(s.b[i:i+len(sign)]) != sign {
		return false
	}
	end, start := domainEnd(s.b, i+len(sign)), s.localStart(i)
	return end > 0 && start < i && s.emit(Email, start, end)
}

// domainEnd returns the end of the domain at b[i:], or 0 if there is none:
// labels of letters, digits and '-' that end in one of at least two letters, or
// an IPv4 address.
func domainEnd(b []byte, i int) int {
	limit := min(len(b), i+maxDomain)
	end, label := 0, i
	for j := i; j <= limit; j++ {
		if j < limit && (is(b[j], alnum) || b[j] == '-' || b[j] >= 0x80) {
			continue
		}
		if j == label {
			break
		}
		if label > i && isTopLevel(b[label:j]) {
			end = j
		}
		if j == limit || b[j] != '.' {
			break
		}
		label = j + 1
	}
	if end == 0 {
		end, _ = ipv4At(b, i)
	}
	return end
}

// isTopLevel reports whether a label can be a domain's last.
func isTopLevel(label []byte) bool {
	if len(label) < 2 || label[len(label)-1] == '-' {
		return false
	}
	for _, c := range label {
		if !isAlpha(c) && c < 0x80 {
			return foldPrefix(label, 0, "xn--")
		}
	}
	return true
}

// isRetina reports whether a domain is the end of an image's name, as in
// "logo@2x.png".
func isRetina(domain []byte) bool {
	return len(domain) > 3 && isDigit(domain[0]) && domain[1] == 'x' && domain[2] == '.'
}

// localStart returns where the local part that ends before the '@' at b[i]
// begins; i if there is none.
func (s *scan) localStart(i int) int {
	floor := max(s.done, i-maxLocal)
	start := i
	if i > floor && s.b[i-1] == '"' {
		return s.quotedLocal(i, floor)
	}
	for start > floor && is(s.b[start-1], localByte) {
		start--
	}
	s.spend(i - start)
	if start > floor && start < i && s.b[start-1] == '\\' && isAlpha(s.b[start]) {
		start++ // the letter of an escape such as \n
	}
	for start < i && !is(s.b[start], alnum) && s.b[start] < 0x80 && s.b[start] != '_' {
		start++
	}
	return start
}

// quotedLocal returns the start of a local part in quotes.
func (s *scan) quotedLocal(i, floor int) int {
	for j := i - 2; j >= floor; j-- {
		if s.b[j] == '"' {
			return j
		}
		if s.b[j] == '\n' || s.b[j] == ':' {
			break
		}
	}
	return i
}

// userinfo reports whether the '@' at b[i] is in or behind the user and password of a URL
// (RFC 3986, 3.2.1), and where they begin and end.
func (s *scan) userinfo(i int) (start, end int, ok bool) {
	floor := max(s.done, i-maxLocal)
	slash := -1
	for j := i - 1; j >= floor; j-- {
		c := s.b[j]
		if c == '/' && j >= 2 && s.b[j-1] == '/' && s.b[j-2] == ':' {
			s.spend(i - j)
			if start = j + 1; start >= i || slash >= 0 && !s.isPassword(start, i) {
				return 0, 0, false
			}
			return start, s.userinfoEnd(start, i), true
		}
		if c == '/' || c == '?' {
			slash = j
		} else if !is(c, localByte) && !isPasswordByte(c) {
			break
		}
	}
	return 0, 0, false
}

// encodedUserinfo redacts the user and password of a URL that the '%' at b[i] is in, and
// reports whether it is: decoded, an '@' or a '/' in them would seem to end them.
func (s *scan) encodedUserinfo(i int) bool {
	j := i
	for j < len(s.b) && j-i < maxLocal && (is(s.b[j], localByte) || isPasswordByte(s.b[j]) || s.b[j] == '/') {
		j++
	}
	s.spend(j - i)
	if at(s.b, j) != '@' {
		return false
	}
	start, end, ok := s.userinfo(j)
	return ok && start <= i && s.emit(Credential, start, end)
}

// isPassword reports whether what begins at b[start:i] is a user and a ':', and no host and
// its port: then a '/' behind that is a part of a password.
func (s *scan) isPassword(start, i int) bool {
	n := bytes.IndexAny(s.b[start:i], ":/?#[")
	if n <= 0 || s.b[start+n] != ':' {
		return false
	}
	port := skipDigits(s.b, start+n+1)
	c := at(s.b, port)
	return port < i && c != '/' && c != '?' && c != '#'
}

// userinfoEnd returns the last '@' of those that may end the user and password which begin at
// b[start] and the one at b[i] may end: programs take the last one before the path (WHATWG, URL, authority state),
// and people write a '/' where it should be encoded.
func (s *scan) userinfoEnd(start, i int) int {
	password := bytes.IndexByte(s.b[start:i], ':') >= 0
	end, host, j := i, true, i+1
	for ; j < len(s.b) && j-i < maxLocal; j++ {
		c := s.b[j]
		switch {
		case c == '@' && is(s.b[j-1], wordByte):
			end, host = j, true
		case c == '/' && host && password && !bytes.ContainsAny(s.b[end+1:j], ".:"):
			host = false // "ss" of "u:p@ss/word@host" is no host's name, perhaps
		case c == '/' && host, c == '?', c == '#', !is(c, localByte) && !isPasswordByte(c) && c != '/' && c != '@':
			s.spend(j - i)
			return end
		}
	}
	s.spend(j - i)
	return end
}

// isPasswordByte reports whether c may stand in a password in a URL, beside what may in an
// address: people write what RFC 3986 has encoded.
func isPasswordByte(c byte) bool {
	switch c {
	case ':', '%', '(', ')', '&', ',', ';', '=', '[', ']', '{', '}', '|', '`':
		return true
	}
	return false
}
