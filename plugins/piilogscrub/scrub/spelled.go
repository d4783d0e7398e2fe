package scrub

// spelledCard looks for a card number that other digits stand before in the number n:
// zeros that pad it, or, in the field 2 of a message (ISO 8583), its length.
func (s *scan) spelledCard(n *number) bool {
	first := n.group[0]
	digits := n.digits[:first.total()]
	skip := 0
	for skip < len(digits) && digits[skip] == '0' {
		skip++
	}
	if skip == 0 && isLengthOf(digits) && s.isCardField(first.start()) {
		skip = 2
	}
	if skip == 0 || !isWholeCard(digits[skip:]) || isFraction(s.b, first.start(), first.end()) {
		return false
	}
	return s.emit(Card, first.start()+skip, first.end())
}

// digitsApart looks for a card number with a blank between any two of its digits, where the
// words around speak of a card.
func (s *scan) digitsApart(n *number) bool {
	var digits [19]byte
	size, end := 0, n.group[0].start()
	for i := end; size < len(digits) && isDigit(at(s.b, i)) && !isDigit(at(s.b, i+1)); i += 2 {
		digits[size] = s.b[i]
		size++
		if end = i + 1; !isTab(at(s.b, end)) {
			break
		}
	}
	return isWholeCard(digits[:size]) && s.spend(2*size) && s.context(n.start, end)&roleCard != 0 && s.emit(Card, n.start, end)
}

// isLengthOf reports whether the first two digits say how many others there are.
func isLengthOf(digits []byte) bool {
	return len(digits) > 2 && int(digits[0]-'0')*10+int(digits[1]-'0') == len(digits)-2
}

func isWholeCard(digits []byte) bool {
	return len(digits) >= 13 && len(digits) <= 19 && luhn(digits) && isSureCard(digits)
}

// isCardField reports whether the value at b[i:] stands under the number of the field that
// has the card number: F002, DE2, field_2.
func (s *scan) isCardField(i int) bool {
	j := i
	for j > 0 && i-j < 4 && isLead(s.b[j-1]) {
		j--
	}
	if c := at(s.b, j-1); c != '=' && c != ':' {
		return false
	}
	name := s.nameEndingAt(j - 1)
	return len(name) > 1 && name[len(name)-1] == '2' && (len(name) == 2 || !isDigit(name[len(name)-2]) || name[len(name)-2] == '0')
}

// cardBehindField returns where in the digits b[i:stop], which letters stand before, a card
// number begins that the number of its field stands before, with or without the card
// number's length: "F0024111111111111111". It is -1 if there is none.
func cardBehindField(b []byte, i, stop int) int {
	j := i
	for j < stop && b[j] == '0' {
		j++
	}
	if j < stop && b[j] == '2' {
		j++
		if isLengthOf(b[j:stop]) {
			j += 2
		}
	}
	if j == i || !isWholeCard(b[j:stop]) {
		return -1
	}
	return j
}

// spacedSSN looks at the two digits at b[i:] as the middle of a social security number with
// blanks around its dashes: "SSN 123 - 45 - 6789".
func (s *scan) spacedSSN(i int) bool {
	const gap = " - "
	from := i - len(gap) - 3
	end := i + 2 + len(gap) + 4
	if from < s.done || end > len(s.b) || string(s.b[i-len(gap):i]) != gap || string(s.b[i+2:i+2+len(gap)]) != gap ||
		!boundary(s.b, from) || is(at(s.b, end), alnum) {
		return false
	}
	var d [9]byte
	copy(d[:3], s.b[from:from+3])
	copy(d[3:5], s.b[i:i+2])
	copy(d[5:], s.b[end-4:end])
	for _, c := range d {
		if !isDigit(c) {
			return false
		}
	}
	return isSSN(d[:]) && s.context(from, end)&roleSSN != 0 && s.emit(USSSN, from, end)
}

// withTail returns the end of a telephone number that a postcode stands before, "05557 975 97
// 287", where that and a part of the number look like one.
func (n *number) withTail(end int) int {
	if n.group[0].size() != 5 || end == 0 {
		return end
	}
	for _, g := range n.group[2:n.groups] {
		if g.sep != ' ' || g.total() > 5+maxTrunkDigits {
			break
		}
		end = max(end, g.end())
	}
	return end
}

const maxTrunkDigits = 11

// maxFillers is how many words may stand between "call" and a number.
const maxFillers = 4

// isCalled reports whether the digits that are n have the form of a telephone number of North
// America, with a trunk prefix or of a mobile in China, and somebody is told to call them:
// "call 2125550100", "toll-free: 8005550100", "call 09876543210 now".
func (s *scan) isCalled(n *number) bool {
	if n.groups != 1 || !isDialled(n.digits[:n.n]) {
		return false
	}
	end := n.start
	for range maxFillers {
		for end > s.done && !is(s.b[end-1], alnum) && n.start-end < contextBefore && s.b[end-1] != '=' && s.b[end-1] != '/' {
			end--
		}
		start := end
		for start > s.done && is(s.b[start-1], letter) {
			start--
		}
		s.spend(end - start)
		switch callWord(s.b[start:end]) {
		case callNow:
			return true
		case callOther:
			return false
		}
		end = start
	}
	return false
}

// isDialled reports whether digits without anything between them are dialled so.
func isDialled(d []byte) bool {
	switch {
	case len(d) == 10 && d[0] >= '2':
		return d[3] >= '2'
	case len(d) == 11 && d[0] == '1':
		return d[1] >= '3'
	}
	return len(d) >= 10 && len(d) <= 12 && d[0] == '0' && d[1] != '0'
}

type callKind uint8

const (
	callOther  callKind = iota
	callFiller          // stands between "call" and a number
	callNow             // a number follows
)

func callWord(w []byte) callKind {
	var buf [8]byte
	if len(w) == 0 || len(w) > len(buf) {
		return callOther
	}
	for i, c := range w {
		buf[i] = fold(c)
	}
	switch string(buf[:len(w)]) {
	case "call", "calls", "calling", "contact", "toll", "tollfree", "dial", "ring", "reach", "hotline", "phone", "text", "sms", "dialed", "dialled":
		return callNow
	case "us", "me", "him", "her", "them", "at", "on", "the", "our", "my", "number", "no", "free", "please", "back", "support", "now", "via":
		return callFiller
	}
	return callOther
}

// isForm reports whether a text is a form body: a name, a '=' and a value, without blanks,
// and with a '+' or '&', so that '+' is a space in it.
func isForm(b []byte) bool {
	plus := false
	sign := -1
	for i, c := range b {
		switch {
		case is(c, blank) || c == '"' || c == '<':
			return false
		case sign < 0 && c == '=':
			if sign = i; i == 0 || i+1 == len(b) || b[i+1] == '=' {
				return false
			}
		case sign < 0 && !is(c, nameByte):
			return false
		case c == '+' || c == '&':
			plus = true
		}
	}
	return plus
}

// isAlphaOnly reports whether a name is of letters only, and short.
func isAlphaOnly(b []byte) bool {
	for _, c := range b {
		if !isAlpha(c) {
			return false
		}
	}
	return len(b) <= len("field")
}
