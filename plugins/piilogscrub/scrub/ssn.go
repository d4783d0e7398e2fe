package scrub

// ssn looks for a US social security number at the beginning of n: three, two
// and four digits, or nine where the words around speak of one.
func (s *scan) ssn(n *number) bool {
	d := n.digits[:min(n.n, 9)]
	if len(d) < 9 || n.plus || !isSSN(d) && !s.ssnByContext(n, d) {
		return false
	}
	g := n.group[:]
	switch {
	case g[0].size() == 9:
		if s.context(n.start, g[0].end())&roleSSN == 0 {
			return false
		}
		return s.emit(USSSN, g[0].start(), g[0].end())
	case g[0].size() == 3 && g[1].size() == 2 && g[2].size() == 4 && g[1].sep == g[2].sep && (g[1].sep == '.' || ssnSeparator(g[1].sep, s.query)):
		if n.groups > 3 && g[3].sep == g[2].sep && g[3].sep != ' ' {
			return false
		}
		if isFieldSeparator(g[1].sep) && !s.alone(n.start, g[2].end()) && s.context(n.start, g[2].end())&roleSSN == 0 {
			return false // a status, a time and a size; the numbers of a house and a street
		}
		return s.emit(USSSN, g[0].start(), g[2].end())
	}
	return false
}

// ssnByContext reports whether the words around say that nine digits are a social
// security number, though none is issued that begins so.
func (s *scan) ssnByContext(n *number, d []byte) bool {
	return d[0] == '9' && string(d[5:]) != "0000" && s.context(n.start, n.end)&roleSSN != 0
}

func ssnSeparator(c byte, query bool) bool { return c == '-' || c == ' ' || query && c == '+' }

// isSSN reports whether nine digits can be a social security number: no area
// 000, 666 or 900 up, no group 00 and no serial 0000 (SSA, since June 2011).
func isSSN(d []byte) bool {
	area := string(d[:3])
	return area != "000" && area != "666" && area[0] != '9' &&
		string(d[3:5]) != "00" && string(d[5:9]) != "0000"
}
