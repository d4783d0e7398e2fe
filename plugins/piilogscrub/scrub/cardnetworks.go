package scrub

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

// iinRange is a range of issuer identification numbers and the lengths of the
// card numbers that begin with them.
type iinRange struct {
	from, to int    // the first six digits
	lengths  uint32 // a bit for each length
	sure     bool   // narrow enough to need no context
}

const (
	len12to19 = 0xff << 12
	len13to19 = 0x7f << 13
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
	{560000, 589999, len13to19, true},             // Maestro; of 12 digits are the numbers of accounts at AWS
	{670000, 679999, len16to19, true},             // Maestro
	{350000, 359999, 1 << 16, false},              // JCB, all of its prefix
	{500000, 509999, len12to19, false},            // Maestro, all of its range
	{560000, 589999, 1 << 12, false},              // Maestro
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
