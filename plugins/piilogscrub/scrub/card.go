package scrub

// card looks for a payment card number at the beginning of n: 12 to 19 digits
// in one group or in several with one kind of separator, with a network's
// prefix and length and a right check digit.
func (s *scan) card(n *number) bool {
	best := 0
	for g := range n.groups {
		if g > 0 && !cardSeparator(n, g, s.query) {
			break
		}
		total := n.group[g].total()
		if total > 19 {
			break
		}
		if total >= 12 && luhn(n.digits[:total]) && !isFraction(s.b, n.group[0].start(), n.group[g].end()) && s.network(n, g) && s.cardGroups(n, g) {
			best = g + 1
		}
	}
	if best == 0 {
		if n.groups == maxGroups && s.digitsApart(n) {
			return true
		}
		return s.spelledCard(n) || s.looseCard(n.group[0].start())
	}
	// nobody counts as far as most cards' 16 digits
	if size := n.group[0].size(); best == 1 && (s.isMeasure(n.start, size) || size < 15 && s.isCount(n.start, n.group[0].end()) || size >= longID && s.isBare(n)) {
		return false
	}
	return s.emit(Card, n.group[0].start(), n.group[best-1].end())
}

func cardSeparator(n *number, g int, query bool) bool {
	sep := n.group[g].sep
	if sep != n.group[1].sep || n.group[g].size() < 2 && n.group[g].total() != 13 || n.group[0].size() < 3 {
		return false
	}
	return sep == ' ' || sep == '-' || query && sep == '+'
}

// cardGroups reports whether the groups up to the last are those in which card numbers are
// written: by fours, or 4, 6 and the rest, or the six digits that name the issuer and ten. Where the words around speak of a card, all
// others are, too.
func (s *scan) cardGroups(n *number, last int) bool {
	if last == 0 {
		return true
	}
	size := n.group[last].size()
	if n.group[1].size() == 6 && size == 6 || last == 1 && n.group[0].size() == 6 && size == 10 {
		// a size and a time since 1970 are as long
		return !s.fieldsAround(n.start, n.group[last].end()) || s.context(n.start, n.group[last].end())&roleCard != 0
	}
	usual := size <= 4 || last == 2 && size == 5 && n.group[1].size() == 6
	for g := range last {
		usual = usual && (n.group[g].size() == 4 || g == 1 && last == 2 && n.group[1].size() == 6 && size >= 4)
	}
	return usual || s.context(n.start, n.group[last].end())&roleCard != 0
}

// network reports whether the digits up to group g are of a card network. Where
// its range is so wide that one in a hundred numbers would do, the words around
// must speak of a card.
func (s *scan) network(n *number, g int) bool {
	known, sure := cardNetwork(n.digits[:n.group[g].total()])
	if !known || sure {
		return known
	}
	return s.context(n.start, n.group[g].end())&roleCard != 0
}

// isBare reports whether a long number is a field without quotes, and nothing says that it is a
// card's: programs count in numbers of up to 19 digits, and few cards have more than 16.
func (s *scan) isBare(n *number) bool {
	switch at(s.b, n.start-1) {
	case ',', ';', '|', '\t', '=', ':', '-', '[', '(':
		return s.context(n.start, n.group[0].end())&roleCard == 0
	}
	return false
}

// isFraction reports whether b[start:end] is a part of a decimal fraction. Whole numbers that a
// program took for one, "4111111111111111.0", are none.
func isFraction(b []byte, start, end int) bool {
	return at(b, start-1) == '.' && isDigit(at(b, start-2)) ||
		at(b, end) == '.' && isDigit(at(b, end+1)) && (at(b, end+1) != '0' || isDigit(at(b, end+2)))
}

// luhn reports whether the last of the digits is the check digit of the others
// (ISO/IEC 7812-1, annex B).
func luhn(digits []byte) bool {
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}
