package scrub

// card looks for a payment card number at the beginning of n: 12 to 19 digits
// in one group or in several with one kind of separator, with a network's
// prefix and length and a right check digit.
func (s *scan) card(n *number) bool {
	best := 0
	for g := range n.groups {
		if g > 0 && !cardSeparator(n, g, s.form) {
			break
		}
		total := n.group[g].total()
		if total > 19 {
			break
		}
		if total >= 12 && luhn(n.digits[:total]) && !isFraction(s.b, n.group[0].start(), n.group[g].end()) && s.network(n, g) {
			best = g + 1
		}
	}
	if best == 0 {
		return s.looseCard(n.group[0].start())
	}
	return s.emit(Card, n.group[0].start(), n.group[best-1].end())
}

// maxCardGap is how many bytes separate two groups of a card number, as in
// "4111 - 1111".
const maxCardGap = 3

// looseStart returns the first of the groups of digits before b[i], with whatever
// between them, in which a card number that goes on at b[i] could begin.
func (s *scan) looseStart(i int) int {
	floor := max(s.next, s.done, i-maxDigits)
	start := i
	for {
		stop := start
		for stop > floor && start-stop < maxCardGap && isCardGap(s.b[stop-1]) {
			stop--
		}
		first := stop
		for first > floor && isDigit(s.b[first-1]) {
			first--
		}
		if first == stop || stop == start {
			return start
		}
		start = first
	}
}

// looseCard looks for a card number at b[start:] in groups with whatever between
// them: four digits first, as on the card, and of a network that needs no context.
func (s *scan) looseCard(start int) bool {
	if skipDigits(s.b, start) != start+4 || !boundary(s.b, start) {
		return false
	}
	var digits [19]byte
	size, end := 0, 0
	for i := start; ; {
		stop := skipDigits(s.b, i)
		if stop-i < 2 || stop-i > 6 || size+stop-i > len(digits) {
			break
		}
		size += copy(digits[size:], s.b[i:stop])
		if size >= 13 && size <= 16 && luhn(digits[:size]) && isSureCard(digits[:size]) {
			end = stop
		}
		i = stop
		for i < len(s.b) && i-stop < maxCardGap && isCardGap(s.b[i]) {
			i++
		}
		if i == stop {
			break
		}
	}
	return end > 0 && !is(at(s.b, end), alnum) && !isFraction(s.b, start, end) && s.emit(Card, start, end)
}

func isCardGap(c byte) bool {
	return is(c, blank) || c == '-' || c == '.' || c == '_' || c == '/' || c == ',' || c == '+'
}

// isCardNumber reports whether a value is a card number, whatever it stands under.
func isCardNumber(value []byte) bool {
	var digits [19]byte
	n := 0
	for _, c := range value {
		switch {
		case isDigit(c) && n < len(digits):
			digits[n] = c
			n++
		case !isCardGap(c):
			return false
		}
	}
	if n < 12 || !luhn(digits[:n]) {
		return false
	}
	known, _ := cardNetwork(digits[:n])
	return known
}

func isSureCard(digits []byte) bool {
	known, sure := cardNetwork(digits)
	return known && sure
}

// gluedCard looks for a card number in the word b[start:end], with letters before
// or behind it at once, as in "PAN4111111111111111".
func (s *scan) gluedCard(start, end int) bool {
	for i := start; i < end; i++ {
		if !isDigit(s.b[i]) {
			continue
		}
		stop := skipDigits(s.b[:end], i)
		if size := stop - i; size >= 13 && size <= 16 && luhn(s.b[i:stop]) && isSureCard(s.b[i:stop]) && !s.inDigest(i, stop) {
			return s.emit(Card, i, stop)
		}
		i = stop
	}
	return false
}

// inDigest reports whether the letters and digits around b[start:end] are
// hexadecimal only or a ULID, as long as they are not "%B", which begins track 1
// of a magnetic stripe.
func (s *scan) inDigest(start, end int) bool {
	floor, ceiling := max(0, start-maxName), min(len(s.b), end+maxName)
	for start > floor && is(s.b[start-1], alnum) {
		start--
	}
	for end < ceiling && is(s.b[end], alnum) {
		end++
	}
	s.spend(end - start)
	return at(s.b, start-1) != '%' && (isHexOnly(s.b[start:end]) || isULID(s.b[start:end]))
}

func cardSeparator(n *number, g int, form bool) bool {
	sep := n.group[g].sep
	if sep != n.group[1].sep || n.group[g].size() < 2 || n.group[0].size() < 3 {
		return false
	}
	return sep == ' ' || sep == '-' || form && sep == '+'
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

// isFraction reports whether b[start:end] is a part of a decimal fraction.
func isFraction(b []byte, start, end int) bool {
	return at(b, start-1) == '.' && isDigit(at(b, start-2)) || at(b, end) == '.' && isDigit(at(b, end+1))
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

// iinRange is a range of issuer identification numbers and the lengths of the
// card numbers that begin with them.
type iinRange struct {
	from, to int    // the first six digits
	lengths  uint32 // a bit for each length
	sure     bool   // narrow enough to need no context
}

const (
	len12to19 = 0xff << 12
	len16to19 = 0xf << 16
)

// iinRanges are the ranges of the networks; of two that hold a number, the
// first with its length counts.
var iinRanges = []iinRange{
	{400000, 499999, 1<<13 | 1<<16 | 1<<19, true}, // Visa
	{510000, 559999, 1 << 16, true},               // Mastercard
	{222100, 272099, 1 << 16, true},               // Mastercard, 2-series
	{340000, 349999, 1 << 15, true},               // American Express
	{370000, 379999, 1 << 15, true},               // American Express
	{300000, 305999, 1<<14 | len16to19, true},     // Diners Club, Carte Blanche
	{309500, 309599, 1<<14 | len16to19, true},     // Diners Club
	{360000, 369999, 1 << 14, true},               // Diners Club
	{380000, 399999, 1<<14 | len16to19, true},     // Diners Club
	{352800, 358999, len16to19, true},             // JCB
	{213100, 213199, 1 << 15, true},               // JCB, old
	{180000, 180099, 1 << 15, true},               // JCB, old
	{601100, 601199, len16to19, true},             // Discover
	{644000, 659999, len16to19, true},             // Discover
	{620000, 629999, len16to19, true},             // UnionPay
	{810000, 819999, len16to19, true},             // UnionPay, RuPay
	{220000, 220599, len16to19, true},             // Mir, Borica
	{501800, 501899, len12to19, true},             // Maestro
	{502000, 502099, len12to19, true},             // Maestro
	{503800, 503899, len12to19, true},             // Maestro
	{589300, 589399, len12to19, true},             // Maestro
	{630400, 630499, len12to19, true},             // Maestro, Laser
	{639000, 639099, len12to19, true},             // Maestro
	{675900, 675999, len12to19, true},             // Maestro, Switch
	{676100, 676399, len12to19, true},             // Maestro
	{677000, 677199, len12to19, true},             // Maestro, Laser
	{60400, 60499, len12to19, true},               // Maestro UK, old
	{501900, 501999, 1 << 16, true},               // Dankort
	{506000, 509999, 1<<16 | 1<<18 | 1<<19, true}, // Verve, Elo, RuPay
	{600000, 609999, 1 << 16, true},               // RuPay, Hipercard
	{636000, 639999, len16to19, true},             // InterPayment, InstaPayment, Elo
	{979200, 979289, 1 << 16, true},               // Troy
	{860000, 860099, 1 << 16, true},               // UzCard
	{986000, 986099, 1 << 16, true},               // Humo
	{350000, 359999, 1 << 16, false},              // JCB, all of its prefix
	{500000, 509999, len12to19, false},            // Maestro, all of its range
	{560000, 589999, len12to19, false},            // Maestro
	{600000, 699999, len12to19, false},            // Maestro, GPN
	{100000, 199999, 1 << 15, false},              // UATP
	{869900, 869999, 1 << 15, false},              // Voyager
	{190000, 199999, 1 << 16, false},              // GPN
}

// iinByTwo holds iinRanges by the first two digits, in their order.
var iinByTwo = makeIINByTwo()

func makeIINByTwo() (t [100][]iinRange) {
	for _, r := range iinRanges {
		for two := r.from / 10_000; two <= r.to/10_000; two++ {
			t[two] = append(t[two], r)
		}
	}
	return t
}

// cardNetwork reports whether some network issues card numbers that begin so
// and are as long, and whether that alone tells them from other numbers.
func cardNetwork(digits []byte) (known, sure bool) {
	iin := 0
	for _, c := range digits[:6] {
		iin = 10*iin + int(c-'0')
	}
	for _, r := range iinByTwo[iin/10_000] {
		if iin >= r.from && iin <= r.to && r.lengths>>len(digits)&1 != 0 {
			return true, r.sure
		}
	}
	return false, false
}
