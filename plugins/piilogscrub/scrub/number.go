package scrub

const (
	maxDigits = 24 // digits of a number that are read; no detector wants more than 19
	maxGroups = 8  // groups of digits that are read
	maxPrefix = 3  // digits of a country code or trunk prefix before a parenthesis
)

// number is a run of digits in groups: "+46 (0)8 928 571 38".
type number struct {
	start, end int // from the first digit, or the '+' or '(' before it, behind the last
	plus       bool
	long       bool // there are more digits than were read
	groups     int
	n          int // digits
	digits     [maxDigits]byte
	group      [maxGroups]group
}

// group is a run of digits, and what stands before it.
type group struct {
	from, to int32
	digits   uint8 // of the number, up to the end of this group
	sep      byte  // 0 before the first; ')' where a parenthesis closes; else as written
}

// total returns how many digits the number has up to the end of the group.
func (g group) total() int { return int(g.digits) }

func (g group) start() int { return int(g.from) }
func (g group) end() int   { return int(g.to) }
func (g group) size() int  { return int(g.to - g.from) }

// read reads the number whose first digit is b[i].
func (n *number) read(b []byte, i int, form bool) {
	n.start, n.plus = leadOf(b, i, form)
	sep := byte(0)
	for n.groups < maxGroups {
		g := group{from: int32(i), sep: sep}
		for i < len(b) && isDigit(b[i]) && n.n < maxDigits {
			n.digits[n.n] = b[i]
			n.n++
			i++
		}
		if i < len(b) && isDigit(b[i]) {
			n.cut(i)
			return
		}
		g.to, g.digits = int32(i), uint8(n.n)
		n.group[n.groups] = g
		n.groups++
		n.end = i
		if sep, i = separator(b, i, form); sep == 0 || b[i-1] == '(' && g.size() > maxPrefix {
			return
		}
	}
}

// cut ends a number with more digits than are read, the last of which is before
// b[i]: behind its last whole group.
func (n *number) cut(i int) {
	if n.groups == 0 {
		n.long, n.end = true, i
		return
	}
	n.n = n.group[n.groups-1].total()
	n.end = n.group[n.groups-1].end()
}

// leadOf returns where a number begins whose first digit is b[i]: at the '+' or
// '(' before it, if there is one.
func leadOf(b []byte, i int, form bool) (start int, plus bool) {
	start = i
	if start > 0 && b[start-1] == '(' {
		start--
	}
	if start > 0 && b[start-1] == '+' && (!form || boundary(b, start-1)) {
		return start - 1, true
	}
	return start, false
}

// separator returns what separates the digits before b[i] from those behind it,
// and where those begin; 0 if the number ends at i.
func separator(b []byte, i int, form bool) (sep byte, next int) {
	c, d := at(b, i), at(b, i+1)
	switch {
	case i >= len(b):
		return 0, i
	case isSeparator(c, form) && isDigit(d):
		return c, i + 1
	case (c == ')' || c == '(') && isDigit(d):
		return ')', i + 1
	case (c == ')' || isSeparator(c, form)) && (d == '(' || isSeparator(d, form) && c == ')') && isDigit(at(b, i+2)):
		return ')', i + 2
	}
	return 0, i
}

func isSeparator(c byte, form bool) bool {
	return c == ' ' || c == '-' || c == '.' || c == '/' || form && c == '+'
}

// number looks at the number around the digit at b[i].
func (s *scan) number(i int) {
	start := s.numberStart(i)
	if !boundary(s.b, start) {
		s.word(start)
		return
	}
	var n number
	n.read(s.b, start, s.form)
	s.spend(2 * (n.end - n.start))
	lettered := is(at(s.b, n.end), letter)
	if n.isShort() && !lettered && !n.isCardPart() {
		s.next = max(s.next, n.end)
		return
	}
	if s.uuid(start) {
		return
	}
	if first := s.looseStart(start); first < start && s.looseCard(first) {
		return
	}
	if n.long {
		s.next = skipDigits(s.b, n.end)
		return
	}
	if lettered && !isExtension(s.b, n.end) && s.lettered(&n) {
		return
	}
	if !s.decoy(&n) && (n.isShort() || !s.identify(&n)) {
		s.next = max(s.next, n.group[0].end())
	}
}

// isCardPart reports whether the number can be the second group of a card number,
// of four or six digits.
func (n *number) isCardPart() bool {
	size := n.group[0].size()
	return size == 4 || size == 6
}

// isShort reports whether the number is too short for every detector: less than
// an IPv4 address has groups, a NINO or a short telephone number has digits.
func (n *number) isShort() bool {
	return n.groups < 4 && (n.n < minPhone-1 || n.n < minPhone && (n.groups < 3 || n.group[1].sep == '.'))
}

// lettered looks at a number that a letter follows at once. It reports whether
// that deals with it; otherwise n is left without the group before the letter.
func (s *scan) lettered(n *number) bool {
	start := n.group[0].start()
	if end := s.national(start); end > 0 {
		return s.emit(NationalID, start, end)
	}
	if n.groups == 1 {
		return s.word(start)
	}
	n.groups--
	last := n.group[n.groups-1]
	n.n, n.end = last.total(), last.end()
	return false
}

// numberStart returns the first digit of the number around the digit at b[i].
func (s *scan) numberStart(i int) int {
	floor := max(s.next, i-maxDigits)
	for i > floor {
		switch {
		case isDigit(s.b[i-1]):
			i--
		case i-1 > floor && isSeparator(s.b[i-1], s.form) && isDigit(s.b[i-2]):
			i -= 2
		case i-2 > floor && isSeparator(s.b[i-1], s.form) && s.b[i-2] == ')' && isDigit(s.b[i-3]),
			i-2 > floor && s.b[i-1] == '(' && isSeparator(s.b[i-2], s.form) && isDigit(s.b[i-3]):
			i -= 3
		case i-1 > floor && (s.b[i-1] == ')' || s.b[i-1] == '(') && isDigit(s.b[i-2]):
			i -= 2
		default:
			return i
		}
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// identify tries the detectors of numbers, the surest first.
func (s *scan) identify(n *number) bool {
	if end, ok := ipv4At(s.b, n.group[0].start()); ok {
		return s.ipv4(n.group[0].start(), end)
	}
	if s.card(n) {
		return true
	}
	if c := at(s.b, n.start-1); (c == '-' || c == '.') && isDigit(at(s.b, n.start-2)) {
		return false // the middle of something else
	}
	if s.ssn(n) {
		return true
	}
	if n.isIdentifier(s.b) && s.role&(rolePhone|roleNational) == 0 {
		return false
	}
	return s.nationalNumber(n) || s.phone(n)
}

// decoy skips what has the shape of a number and is none: dates, and times where nothing beside them speaks of another kind of number.
func (s *scan) decoy(n *number) bool {
	if n.isEpoch() && s.context(n.start, n.end)&(rolePhone|roleCard|roleNational) == 0 {
		s.next = n.end
		return true
	}
	if end := dateEnd(n); end > 0 {
		s.next = end
		return true
	}
	return false
}

// dateEnd returns the end of the date that a number begins with: year, month,
// day or day, month, year (or month first), or 0 if there is none.
func dateEnd(n *number) int {
	if n.groups < 3 || n.plus || n.group[1].sep != n.group[2].sep || n.group[1].sep == ' ' {
		return 0
	}
	a, b, c := n.value(0), n.value(1), n.value(2)
	switch {
	case n.group[0].size() == 4 && isYear(a) && isMonthDay(b, c) && n.group[2].size() <= 2:
	case n.group[2].size() == 4 && isYear(c) && n.group[0].size() <= 2 && (isMonthDay(a, b) || isMonthDay(b, a)):
	default:
		return 0
	}
	return n.group[2].end()
}

// value returns the value of a group of up to four digits, or -1.
func (n *number) value(g int) int {
	size := n.group[g].size()
	if size > 4 {
		return -1
	}
	v := 0
	for _, c := range n.digits[n.group[g].total()-size : n.group[g].total()] {
		v = 10*v + int(c-'0')
	}
	return v
}

func isYear(v int) bool            { return v >= 1800 && v < 2200 }
func isMonthDay(month, d int) bool { return month >= 1 && month <= 12 && d >= 1 && d <= 31 }
