package scrub

// ibanCountries holds the countries with account numbers of each length (the
// ISO 13616 registry).
var ibanCountries = map[int]string{
	15: "NO",
	16: "BE",
	18: "DK FI FK FO GL NL SD",
	19: "MK SI",
	20: "AT BA EE KZ LT LU MN XK",
	21: "CH HR LI LV",
	22: "BG BH CR DE GB GE IE ME RS VA",
	23: "AE GI IL IQ OM SO TL",
	24: "AD CZ ES MD PK RO SA SE SK TN VG",
	25: "LY PT ST",
	26: "IS TR",
	27: "BI DJ FR GR IT MC MR SM",
	28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
	29: "BR EG PS QA UA",
	30: "JO KW MU YE",
	31: "MT SC",
	32: "LC",
	33: "RU",
}

// ibanLengths is ibanCountries by country, for ibanLength.
var ibanLengths = makeIBANLengths()

func makeIBANLengths() (t [26 * 26]uint8) {
	for length, countries := range ibanCountries {
		for i := 0; i < len(countries); i += 3 {
			t[int(countries[i]-'A')*26+int(countries[i+1]-'A')] = uint8(length)
		}
	}
	return t
}

// ibanLength returns the length of a country's account numbers, 0 if it has
// none. The letters may be in either case.
func ibanLength(a, b byte) int {
	if !isAlpha(a) || !isAlpha(b) {
		return 0
	}
	return int(ibanLengths[int(fold(a)-'a')*26+int(fold(b)-'a')])
}

// iban looks for an account number at b[i], where two letters and two digits
// are, or for a personal number that begins so. It reports whether there is one.
func (s *scan) iban(i int) bool {
	if i < s.next || !boundary(s.b, i) || s.uuid(i) {
		return false
	}
	if end := ibanEnd(s.b, i); end > 0 {
		if isRun(at(s.b, i-1)) && s.shapeOf(i) {
			return true
		}
		return s.emit(IBAN, i, end)
	}
	end := s.national(i)
	return end > 0 && s.emit(NationalID, i, end)
}

// ibanEnd returns the end of the account number at b[i:], or 0 if there is none:
// as many letters and digits as its country has, perhaps in groups of four, that
// leave 1 when divided by 97 (ISO 13616, ISO 7064 mod 97-10).
func ibanEnd(b []byte, i int) int {
	length := ibanLength(at(b, i), at(b, i+1))
	if length == 0 {
		return 0
	}
	n, rest, head, j := 0, 0, 0, i
	for ; n < length; j++ {
		c := at(b, j)
		switch {
		case is(c, alnum) && n < 4:
			head = mod97(head, c)
			n++
		case is(c, alnum):
			rest = mod97(rest, c)
			n++
		case n == 0 || n%4 != 0 || !ibanSeparator(c) || !is(at(b, j+1), alnum):
			return 0
		}
	}
	shift := 1_000_000 // the country's letters count two digits each
	if is(at(b, j), alnum) || (rest*shift+head)%97 != 1 {
		return 0
	}
	return j
}

func ibanSeparator(c byte) bool { return c == ' ' || c == '-' || c == '.' || c == '+' }

// gluedIBAN looks for an account number behind the word "IBAN", with nothing
// between, at b[i].
func (s *scan) gluedIBAN(i int) bool {
	if !foldPrefix(s.b, i, "iban") {
		return false
	}
	end := ibanEnd(s.b, i+4)
	return end > 0 && s.emit(IBAN, i+4, end)
}

// mod97 appends the value of a letter or digit to a number modulo 97.
func mod97(v int, c byte) int {
	if isDigit(c) {
		return (10*v + int(c-'0')) % 97
	}
	return (100*v + int(fold(c)-'a') + 10) % 97
}
