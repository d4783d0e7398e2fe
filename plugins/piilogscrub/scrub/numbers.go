package scrub

// number looks at the number around the digit at b[i].
func (s *scan) number(i int) {
	start := s.numberStart(i)
	if !boundary(s.b, start) {
		s.word(start)
		return
	}
	var n number
	n.read(s.b, start, s.query)
	s.spend(2 * (n.end - n.start))
	lettered := is(at(s.b, n.end), letter)
	if n.groups == 1 && n.n == 2 && s.spacedSSN(start) {
		return
	}
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
	if !s.excluded(&n) && (n.isShort() || !s.identify(&n)) {
		s.next = max(s.next, n.group[0].end())
	}
}

// lettered looks at a number that a letter follows at once. It reports whether
// that deals with it; otherwise n is left without the group before the letter.
func (s *scan) lettered(n *number) bool {
	start := n.group[0].start()
	if c := at(s.b, start-1); (c == '.' || c == ':') && isDigit(at(s.b, start-2)) {
		s.next = max(s.next, n.group[0].end())
		return true // of a time: "10:05:06.27602981Z"
	}
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
		case i-1 > floor && isSeparator(s.b[i-1], s.query) && isDigit(s.b[i-2]):
			i -= 2
		case i-2 > floor && isSeparator(s.b[i-1], s.query) && s.b[i-2] == ')' && isDigit(s.b[i-3]),
			i-2 > floor && s.b[i-1] == '(' && isSeparator(s.b[i-2], s.query) && isDigit(s.b[i-3]):
			i -= 3
		case i-1 > floor && (s.b[i-1] == ')' || s.b[i-1] == '(') && isDigit(s.b[i-2]):
			i -= 2
		default:
			return i
		}
	}
	return i
}

const maxPort = 5 // digits of the longest port

// identify tries the detectors of numbers, the surest first.
func (s *scan) identify(n *number) bool {
	if end, ok := ipv4At(s.b, n.group[0].start()); ok {
		return s.ipv4(n.group[0].start(), end)
	}
	if s.card(n) {
		return true
	}
	if c := at(s.b, n.start-1); (c == '-' || c == '.' || c == '+' && !s.query || c == ':' && n.group[0].size() <= maxPort) && isDigit(at(s.b, n.start-2)) {
		return false // the middle of something else: of a fraction, a sum, a time and its zone, an address and its port
	}
	if s.ssn(n) {
		return true
	}
	if n.isIdentifier(s.b) && s.role&(rolePhone|roleNational) == 0 {
		return false
	}
	return s.nationalNumber(n) || s.phone(n)
}

// excluded skips what is written like such a number and is something else: dates, and
// times since 1970 unless the words around speak of a number that is looked for.
func (s *scan) excluded(n *number) bool {
	if n.isEpoch() && (s.context(n.start, n.end)&(rolePhone|roleCard|roleNational) == 0 || s.isCount(n.start, n.end)) {
		if !s.spelledCard(n) {
			s.next = n.end
		}
		return true
	}
	if end := dateEnd(n); end > 0 {
		s.next = end
		return true
	}
	if n.isDottedTime() {
		s.next = n.group[3].end()
		return true
	}
	return false
}
