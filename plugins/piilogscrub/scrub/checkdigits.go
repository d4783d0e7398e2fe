package scrub

// The tests of personal numbers. Each gets the letters, in upper case, and the
// digits of a number that has the right form, without separators, and zeros
// behind them. They get it by value: what a function value is called with by
// reference cannot stay on the stack.

// num returns the value of digits.
func num(d []byte) int {
	v := 0
	for _, c := range d {
		v = 10*v + int(c-'0')
	}
	return v
}

// weigh returns the sum of the first digits, each times its weight.
func weigh(d []byte, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += w * int(d[i]-'0')
	}
	return sum
}

// isDay reports whether a month and a day of the month are ones.
func isDay(month, day []byte) bool { return isMonthDay(num(month), num(day)) }

func startsWithDay(d gathered) bool { return isDay(d[2:4], d[0:2]) }

// sameDigits reports whether all digits are the same, as in placeholders.
func sameDigits(d []byte) bool {
	for _, c := range d {
		if c != d[0] {
			return false
		}
	}
	return true
}

// isCPF is Brazil's Cadastro de Pessoas Físicas: two check digits, modulo 11.
func isCPF(d gathered) bool {
	a := weigh(d[:], 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	b := weigh(d[:], 11, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	return !sameDigits(d[:11]) && a == num(d[9:10]) && b == num(d[10:11])
}

// isNorwegian is the fødselsnummer: a day of birth and two check digits.
func isNorwegian(d gathered) bool {
	day := num(d[:2])
	if day > 40 {
		day -= 40 // a D number
	}
	return isMonthDay(num(d[2:4]), day) &&
		weigh(d[:], 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 &&
		weigh(d[:], 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// isBelgian is the rijksregisternummer: modulo 97, a 2 before those born in
// 2000 or later.
func isBelgian(d gathered) bool {
	v, check := num(d[:9]), 97-num(d[9:11])
	return num(d[2:4]) <= 12 && (v%97 == check%97 || (2_000_000_000+v)%97 == check%97)
}

// isSwedish is the personnummer: a day of birth, perhaps plus 60, and Luhn.
func isSwedish(d gathered) bool {
	short := d[:10]
	if d[11] != 0 {
		short = d[2:12] // the year has its century
	}
	day := num(short[4:6])
	if day > 60 {
		day -= 60 // a coordination number
	}
	return isMonthDay(num(short[2:4]), day) && luhn(short)
}

// isCzech is the rodné číslo: a day of birth, women's months plus 50, modulo 11.
func isCzech(d gathered) bool {
	month := num(d[2:4]) % 50
	return isMonthDay(month, num(d[4:6])) && (num(d[:10])%11 == 0 || num(d[:9])%11 == 10 && d[9] == '0')
}

// isKorean is the resident registration number. Those issued since October 2020
// have no check digit: a day of birth and a digit for century and sex.
func isKorean(d gathered) bool { return isDay(d[2:4], d[4:6]) && d[6] >= '1' && d[6] <= '8' }

const finnishChecks = "0123456789ABCDEFHJKLMNPRSTUVWXY"

// isFinnish is the henkilötunnus of those born before 2000: modulo 31.
func isFinnish(d gathered) bool {
	return startsWithDay(d) && d[9] == finnishChecks[(num(d[:6])*1000+num(d[6:9]))%31]
}

// isFinnishLetter is the henkilötunnus with a letter for the century.
func isFinnishLetter(d gathered) bool {
	return startsWithDay(d) && d[10] == finnishChecks[(num(d[:6])*1000+num(d[7:10]))%31]
}

// isAHV is Switzerland's, a 13-digit article number (EAN) of the country 756.
func isAHV(d gathered) bool {
	return weigh(d[:], 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0
}

// isCUIL is Argentina's tax number of persons: modulo 11.
func isCUIL(d gathered) bool {
	p := num(d[:2])
	return (p == 20 || p >= 23 && p <= 27) && weigh(d[:], 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// isRUT is Chile's rol único tributario: modulo 11, K for ten.
func isRUT(d gathered) bool {
	check := (11 - weigh(d[:], 3, 2, 7, 6, 5, 4, 3, 2)%11) % 11
	return d[8] == "0123456789K"[check]
}

var (
	verhoeffProduct = [10]string{
		"0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
		"5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
	}
	verhoeffPermute = [8]string{
		"0123456789", "1576283094", "5803796142", "8916043527",
		"9453126870", "4286573901", "2793806415", "7046913258",
	}
)

// isAadhaar is India's: a first digit from 2 up, and Verhoeff's check digit.
func isAadhaar(d gathered) bool {
	c := byte('0')
	for i := range 12 {
		p := verhoeffPermute[i%8][d[11-i]-'0']
		c = verhoeffProduct[c-'0'][p-'0']
	}
	return d[0] >= '2' && c == '0' && !sameDigits(d[:12])
}

// isSouthAfrican is a day of birth, a citizenship, and Luhn.
func isSouthAfrican(d gathered) bool {
	return isDay(d[2:4], d[4:6]) && d[10] <= '2' && (d[11] == '8' || d[11] == '9') && luhn(d[:13])
}

// isNIR is France's numéro d'inscription au répertoire: modulo 97.
func isNIR(d gathered) bool {
	month := num(d[3:5])
	return (d[0] == '1' || d[0] == '2') && month >= 1 && month <= 42 && num(d[5:7]) > 0 &&
		97-num(d[:13])%97 == num(d[13:15])
}

// isChinese is the resident identity number (GB 11643): a day of birth and ISO
// 7064 mod 11-2, X for ten.
func isChinese(d gathered) bool {
	sum := weigh(d[:], 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
	year := num(d[6:10])
	return year >= 1900 && year < 2100 && isDay(d[10:12], d[12:14]) && d[17] == "10X98765432"[sum%11]
}

const dniLetters = "TRWAGMYFPDXBNJZSQVHLCKE"

// isDNI is Spain's documento nacional de identidad: modulo 23.
func isDNI(d gathered) bool { return d[8] == dniLetters[num(d[:8])%23] }

// isPPS is Ireland's personal public service number: modulo 23.
func isPPS(d gathered) bool {
	sum := weigh(d[:], 8, 7, 6, 5, 4, 3, 2)
	if d[8] != 0 && d[8] != 'W' {
		sum += 9 * int(d[8]-'A'+1)
	}
	return d[7] == "WABCDEFGHIJKLMNOPQRSTUV"[sum%23]
}

// isITIN is the US taxpayer's number of those without a social security number.
func isITIN(d gathered) bool {
	g := num(d[3:5])
	return g >= 50 && g <= 65 || g >= 70 && g <= 88 || g >= 90 && g <= 92 || g >= 94
}

// isSIN is Canada's social insurance number: Luhn.
func isSIN(d gathered) bool { return d[0] != '0' && d[0] != '8' && luhn(d[:9]) && !sameDigits(d[:9]) }

// isNineDigits is Canada's SIN, the Dutch BSN (modulo 11, the last digit
// negative), Australia's TFN, Portugal's NIF, or Israel's (Luhn).
func isNineDigits(d gathered) bool {
	nif := (11 - weigh(d[:], 9, 8, 7, 6, 5, 4, 3, 2)%11) % 11 % 10
	return luhn(d[:9]) || weigh(d[:], 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0 ||
		weigh(d[:], 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 || nif == num(d[8:9])
}

// isNHS is the British national health service's: modulo 11.
func isNHS(d gathered) bool {
	check := (11 - weigh(d[:], 10, 9, 8, 7, 6, 5, 4, 3, 2)%11) % 11
	return check == num(d[9:10])
}

// isTenDigits is the NHS number, Sweden's without a dash, Denmark's (a day of
// birth), the Czech one without a slash, or Bulgaria's.
func isTenDigits(d gathered) bool {
	egn := weigh(d[:], 2, 4, 8, 5, 10, 9, 7, 3, 6) % 11 % 10
	return isNHS(d) || isSwedish(d) || startsWithDay(d) || isCzech(d) ||
		num(d[2:4])%20 >= 1 && num(d[2:4])%20 <= 12 && egn == num(d[9:10])
}

// isElevenDigits is Brazil's CPF, Poland's PESEL, Turkey's, Germany's tax
// number, Croatia's OIB (the same check digit), Belgium's or Greece's AMKA.
func isElevenDigits(d gathered) bool {
	pesel := weigh(d[:], 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0
	return isCPF(d) || pesel || isTurkish(d) || isSteuerID(d) || isBelgian(d) || startsWithDay(d) && luhn(d[:11])
}

// isTurkish is the T.C. kimlik numarası: two check digits.
func isTurkish(d gathered) bool {
	odd, even := weigh(d[:], 1, 0, 1, 0, 1, 0, 1, 0, 1), weigh(d[:], 0, 1, 0, 1, 0, 1, 0, 1)
	return d[0] != '0' && (7*odd+9*even)%10 == num(d[9:10]) && (odd+even+num(d[9:10]))%10 == num(d[10:11])
}

// isSteuerID is Germany's Identifikationsnummer: ISO 7064 mod 11,10.
func isSteuerID(d gathered) bool {
	p := 10
	for _, c := range d[:10] {
		if p = (p + int(c-'0')) % 10; p == 0 {
			p = 10
		}
		p = p * 2 % 11
	}
	return (11-p)%10 == num(d[10:11])
}

// isTwelveDigits is India's Aadhaar or Japan's My Number: modulo 11.
func isTwelveDigits(d gathered) bool {
	rest := weigh(d[:], 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	check := 0
	if rest > 1 {
		check = 11 - rest
	}
	return isAadhaar(d) || check == num(d[11:12])
}

// isThirteenDigits is Romania's CNP, South Africa's number or Korea's without
// its dash.
func isThirteenDigits(d gathered) bool { return isCNP(d) || isSouthAfrican(d) || isKorean(d) }

// isCNP is Romania's cod numeric personal: a day of birth, modulo 11.
func isCNP(d gathered) bool {
	check := weigh(d[:], 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
	if check == 10 {
		check = 1
	}
	return d[0] != '0' && isDay(d[3:5], d[5:7]) && check == num(d[12:13])
}
