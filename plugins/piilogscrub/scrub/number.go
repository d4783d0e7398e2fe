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
	apart      bool // it was ended before a field that is written in another way
	slashes    bool // a '/' separates groups
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

// read reads the number whose first digit is b[i]. Unless it begins with '+', it
// ends before a blank with a decimal fraction, an address or a list on either side, or a
// UUID behind: "0.045 10.1.2.3", "0/0/69 200". Those are fields of their own.
func (n *number) read(b []byte, i int, query bool) {
	n.readAll(b, i, query)
	if n.plus {
		return
	}
	for g := 1; g < n.groups; g++ {
		if sep := n.group[g].sep; isFieldSeparator(sep) && (n.isField(0, g) || n.isField(g, n.fieldEnd(g)) || isUUID(b, n.group[g].start())) {
			n.apart = true
			n.groups = g
			n.n, n.end = n.group[g-1].total(), n.group[g-1].end()
		}
	}
}

func isFieldSeparator(sep byte) bool { return sep == ' ' || sep == '+' }

// fieldEnd returns the group that begins the field behind the one that group g begins.
func (n *number) fieldEnd(g int) int {
	for g++; g < n.groups && !isFieldSeparator(n.group[g].sep); g++ {
	}
	return g
}

// isField reports whether the groups from first on and before end are no part of a
// longer number: they have points within, or slashes and no area code before one.
func (n *number) isField(first, end int) bool {
	dots, slashes := 0, 0
	for _, g := range n.group[first+1 : max(end, first+1)] {
		switch g.sep {
		case '.':
			dots++
		case '/':
			slashes++
		}
	}
	return dots > 0 || slashes > 1 || slashes == 1 && (n.group[first].size() < 3 || n.digits[n.group[first].total()-n.group[first].size()] != '0')
}

// readAll is read without the end before fields. A number that is a segment of a path
// ends with it.
func (n *number) readAll(b []byte, i int, query bool) {
	n.start, n.plus = leadOf(b, i)
	path := at(b, n.start-1) == '/'
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
		n.slashes = n.slashes || sep == '/'
		n.end = i
		if sep, i = separator(b, i, query); sep == 0 || path && sep == '/' || b[i-1] == '(' && g.size() > maxPrefix {
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
func leadOf(b []byte, i int) (start int, plus bool) {
	start = i
	if start > 0 && b[start-1] == '(' {
		start--
	}
	if start > 0 && b[start-1] == '+' && boundary(b, start-1) && !isPlusBlank(b, start-1) {
		return start - 1, true
	}
	return start, false
}

// maxItem is how far before a '+' the beginning of the item before it is looked for.
const maxItem = 32

// isPlusBlank reports whether the '+' at b[i] stands for the blank behind a semicolon, as it
// does in IIS's logs of user agents: the item before begins with one as well.
func isPlusBlank(b []byte, i int) bool {
	if at(b, i-1) != ';' {
		return false
	}
	for j := i - 2; j >= 0 && i-j < maxItem; j-- {
		switch b[j] {
		case ';', '(':
			return b[j+1] == '+' && is(at(b, j+2), letter)
		case ' ', '\t', '"':
			return false
		}
	}
	return false
}

// separator returns what separates the digits before b[i] from those behind it,
// and where those begin; 0 if the number ends at i.
func separator(b []byte, i int, query bool) (sep byte, next int) {
	c, d := at(b, i), at(b, i+1)
	switch {
	case i >= len(b):
		return 0, i
	case isSeparator(c, query) && isDigit(d):
		return c, i + 1
	case (c == ')' || c == '(') && isDigit(d):
		return ')', i + 1
	case (c == ')' || isSeparator(c, query)) && (d == '(' || isSeparator(d, query) && c == ')') && isDigit(at(b, i+2)):
		return ')', i + 2
	}
	return 0, i
}

func isSeparator(c byte, query bool) bool {
	return c == ' ' || c == '-' || c == '.' || c == '/' || query && c == '+'
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

func skipDigits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
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

// isDottedTime reports whether a number begins with a time of day with points in it, as DB2
// writes it: "01.05.36.045444".
func (n *number) isDottedTime() bool {
	if n.plus || n.groups < 4 || n.group[3].size() < 3 {
		return false
	}
	for g := range 3 {
		if n.group[g].size() != 2 || n.group[g+1].sep != '.' || n.value(g) >= 60 {
			return false
		}
	}
	return n.value(0) < 24
}

// isDecimal reports whether a number up to b[end] is digits, a point and digits.
func (n *number) isDecimal(end int) bool {
	return !n.plus && n.groups > 1 && n.group[1].sep == '.' && n.group[1].end() == end
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
