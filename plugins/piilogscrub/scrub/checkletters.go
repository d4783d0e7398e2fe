package scrub

import "strings"

// isNINO is the British national insurance number, which has no check digit:
// two letters of which some are never issued, and a last one from A to D.
func isNINO(d gathered) bool {
	if strings.IndexByte("DFIQUV", d[0]) >= 0 || strings.IndexByte("DFIOQUV", d[1]) >= 0 || d[8] > 'D' {
		return false
	}
	switch string(d[:2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return false
	}
	return true
}

// isNIEOrNRIC is Spain's número de identidad de extranjero (X, Y or Z first) or
// Singapore's national registration identity card.
func isNIEOrNRIC(d gathered) bool {
	if d[0] >= 'X' {
		return d[8] == dniLetters[(int(d[0]-'X')*10_000_000+num(d[1:8]))%23]
	}
	return isNRIC(d)
}

func isNRIC(d gathered) bool {
	sum := weigh(d[1:], 2, 7, 6, 5, 4, 3, 2)
	switch d[0] {
	case 'S':
		return d[8] == "JZIHGFEDCBA"[sum%11]
	case 'T':
		return d[8] == "JZIHGFEDCBA"[(sum+4)%11]
	case 'F':
		return d[8] == "XWUTRQPNMLK"[sum%11]
	case 'G':
		return d[8] == "XWUTRQPNMLK"[(sum+4)%11]
	case 'M':
		return d[8] == "KLJNPQRTUWX"[10-(sum+3)%11]
	}
	return false
}

// isTaiwanese is the national identification card number: modulo 10, the letter
// standing for two digits.
func isTaiwanese(d gathered) bool {
	v := 10 + strings.IndexByte("ABCDEFGHJKLMNPQRSTUVXYWZIO", d[0])
	sum := v/10 + 9*(v%10) + weigh(d[1:], 8, 7, 6, 5, 4, 3, 2, 1, 1)
	return (d[1] == '1' || d[1] == '2' || d[1] == '8' || d[1] == '9') && sum%10 == 0
}

// isHKID is the Hong Kong identity card number: modulo 11.
func isHKID(d gathered) bool {
	sum := 9*36 + 8*int(d[0]-'A'+10) + weigh(d[1:], 7, 6, 5, 4, 3, 2, 1)
	return sum%11 == 0
}

// codiceOdd holds what a letter or digit at an odd place counts in a codice
// fiscale, in the order of 0-9, which the letters A-J share, and K-Z.
const codiceOdd = "\x01\x00\x05\x07\x09\x0d\x0f\x11\x13\x15\x02\x04\x12\x14\x0b\x03\x06\x08\x0c\x0e\x10\x0a\x16\x19\x18\x17"

// isCodiceFiscale is Italy's tax code: modulo 26.
func isCodiceFiscale(d gathered) bool {
	sum := 0
	for i, c := range d[:15] {
		v := int(c - '0')
		if !isDigit(c) {
			v = int(c - 'A')
		}
		if i%2 == 0 {
			v = int(codiceOdd[v])
		}
		sum += v
	}
	return d[15] == byte('A'+sum%26)
}

// isCURP is Mexico's clave única de registro de población: a day of birth, a
// sex and modulo 10.
func isCURP(d gathered) bool {
	if !isDay(d[6:8], d[8:10]) || d[10] != 'H' && d[10] != 'M' && d[10] != 'X' {
		return false
	}
	sum := 0
	for i, c := range d[:17] {
		v := int(c - '0')
		if !isDigit(c) {
			v = int(c-'A') + 10
			if c > 'N' {
				v++ // Ñ stands between N and O
			}
		}
		sum += v * (18 - i)
	}
	return num(d[17:18]) == (10-sum%10)%10
}

// isPAN is India's permanent account number: the fourth letter says whose, a
// person's (P), a company's (C) and so on.
func isPAN(d gathered) bool { return strings.IndexByte("ABCFGHJLPT", d[3]) >= 0 }
