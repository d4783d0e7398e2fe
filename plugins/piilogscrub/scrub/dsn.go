package scrub

// dataSource reports whether the '@' at b[i] ends the user and password of a data source
// that is no URL, and where they begin: "app:x@tcp(db:3306)/shop", "app:x@/shop",
// "app/x@//db:1521/shop", "app:x@db:5432/shop".
func (s *scan) dataSource(i int) (start int, ok bool) {
	sep, ok := byte(':'), false
	switch end := wordEnd(s.b, i+1); {
	case at(s.b, i+1) == '/' && at(s.b, i+2) == '/':
		sep, ok = '/', true
	case at(s.b, i+1) == '/', at(s.b, end) == '(':
		ok = true
	default:
		for at(s.b, end) == '.' {
			end = wordEnd(s.b, end+1)
		}
		s.spend(end - i)
		port := skipDigits(s.b, end+1)
		ok = end > i+1 && at(s.b, end) == ':' && port > end+2 && at(s.b, port) == '/'
	}
	if !ok {
		return 0, false
	}
	floor := max(s.done, i-maxLocal)
	start = i
	for start > floor && !is(s.b[start-1], blank) && !isQuote(s.b[start-1]) && s.b[start-1] != '`' {
		start--
	}
	s.spend(i - start)
	return s.userBefore(start, i, sep)
}

// userBefore returns where the user in b[start:i] begins behind which sep and a password
// stand, and a name and a sign before it do not count.
func (s *scan) userBefore(start, i int, sep byte) (int, bool) {
	for j := start; j < i; j++ {
		switch c := s.b[j]; {
		case c == '=':
			start = j + 1
		case c == sep:
			return start, j > start && j+1 < i && at(s.b, j+1) != '/' && !s.e.isMarker(s.b[j+1:i])
		case !is(c, localByte) && c != '%':
			return 0, false
		}
	}
	return 0, false
}
