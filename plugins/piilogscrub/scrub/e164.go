package scrub

// e164Length is how many digits the numbers of a country have, its code
// included.
type e164Length struct{ least, most int }

// e164ByCode holds the countries whose numbers have few lengths (ITU-T E.164
// national numbering plans); others have from 8 to 15 digits.
var e164ByCode = map[string]e164Length{
	"1": {11, 11}, "7": {11, 11}, "27": {11, 11}, "30": {12, 12}, "31": {11, 11}, "32": {10, 11},
	"33": {11, 11}, "34": {11, 11}, "36": {10, 11}, "40": {11, 11}, "41": {11, 11}, "44": {11, 12},
	"45": {10, 10}, "47": {10, 10}, "48": {11, 11}, "52": {12, 13}, "54": {12, 13}, "55": {12, 13},
	"56": {11, 11}, "61": {11, 11}, "65": {10, 10}, "81": {11, 12}, "82": {10, 12}, "86": {12, 13},
	"90": {12, 12}, "91": {12, 12}, "98": {12, 12},
}

// e164Lengths returns how many digits a number that begins so may have.
func e164Lengths(digits []byte) (least, most int) {
	for size := 1; size <= 2 && size <= len(digits); size++ {
		if l, ok := e164ByCode[string(digits[:size])]; ok {
			return l.least, l.most
		}
	}
	return minPhone + 1, maxPhone
}
