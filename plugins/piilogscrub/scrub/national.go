package scrub

import "strings"

// nationalForm is a way to write one country's personal numbers.
type nationalForm struct {
	form         form
	valid        func(gathered) bool // the check digit, and whatever else can be wrong
	needsContext bool                // only where the words around speak of such a number
}

// nationalForms are tried in this order. The forms that need no word beside
// them are those of which at most one in some hundred other numbers passes the
// test.
var nationalForms = []nationalForm{
	{form: "XXX.XXX.XXX-XX", valid: isCPF},
	{form: "XXXXXXXXXXX", valid: isNorwegian},
	{form: "XXXXXX XXXXX", valid: isNorwegian},
	{form: "XX.XX.XX-XXX.XX", valid: isBelgian},
	{form: "XXXXXX-XXXX", valid: isSwedish},
	{form: "XXXXXXXX-XXXX", valid: isSwedish},
	{form: "XXXXXX/XXXX", valid: isCzech},
	{form: "XXXXXX-XXXXXXX", valid: isKorean},
	{form: "XXXXXX-XXXA", valid: isFinnish},
	{form: "XXXXXX+XXXA", valid: isFinnish},
	{form: "XXXXXXAXXXA", valid: isFinnishLetter},
	{form: "XXXXXX-XXXX", valid: isFinnish},
	{form: "XXXXXXAXXXX", valid: isFinnishLetter},
	{form: "756.XXXX.XXXX.XX", valid: isAHV},
	{form: "XX-XXXXXXXX-X", valid: isCUIL},
	{form: "XX.XXX.XXX-X", valid: isRUT},
	{form: "XX.XXX.XXX-A", valid: isRUT},
	{form: "XXXXXXXXXXXXX", valid: isSouthAfrican},
	{form: "XXXXXX XXXX XXX", valid: isSouthAfrican},
	{form: "X XX XX XX XXX XXX XX", valid: isNIR},
	{form: "XXXXXXXXXXXXXXX", valid: isNIR},
	{form: "XXXXXXXXXXXXXXXXXX", valid: isChinese},
	{form: "XXXXXXXXXXXXXXXXXA", valid: isChinese},
	{form: "XXXXXXXXA", valid: isDNI},
	{form: "XXXXXXXX-A", valid: isDNI},
	{form: "XXXXXXXA", valid: isPPS},
	{form: "XXXXXXXAA", valid: isPPS},
	{form: "9XX-NX-XXXX", valid: isITIN},
	{form: "XXX-XXX-XXX", valid: isSIN},

	{form: "XXXX XXXX XXXX", valid: isAadhaar, needsContext: true},
	{form: "XXXX-XXXX-XXXX", valid: isAadhaar, needsContext: true},
	{form: "XXX XXX XXX", valid: isSIN, needsContext: true},
	{form: "XXXXXXXXX", valid: isNineDigits, needsContext: true},
	{form: "XXX XXX XXXX", valid: isNHS, needsContext: true},
	{form: "XXX-XXX-XXXX", valid: isNHS, needsContext: true},
	{form: "XXXXXXXXXX", valid: isTenDigits, needsContext: true},
	{form: "XXXXXX-XXXX", valid: startsWithDay, needsContext: true},
	{form: "XXXXXXXXXXX", valid: isElevenDigits, needsContext: true},
	{form: "XX XXX XXX XXX", valid: isSteuerID, needsContext: true},
	{form: "XXXXXXXXXXXX", valid: isTwelveDigits, needsContext: true},
	{form: "XXXXXXXXXXXXX", valid: isThirteenDigits, needsContext: true},

	{form: "AA XX XX XX A", valid: isNINO},
	{form: "AAXXXXXXA", valid: isNINO},
	{form: "AA XXXXXXA", valid: isNINO},
	{form: "AXXXXXXXA", valid: isNIEOrNRIC},
	{form: "AXXXXXXX-A", valid: isNIEOrNRIC},
	{form: "A-XXXXXXX-A", valid: isNIEOrNRIC},
	{form: "AXXXXXXXXX", valid: isTaiwanese},
	{form: "AXXXXXX(X)", valid: isHKID},
	{form: "AAAAAAXXAXXAXXXA", valid: isCodiceFiscale},
	{form: "AAAAXXXXXXAAAAAAAX", valid: isCURP},
	{form: "AAAAXXXXXXAAAAAAXX", valid: isCURP},

	{form: "AAAAAXXXXA", valid: isPAN, needsContext: true},
}

// nationalByLead holds nationalForms by the number of digits that they begin
// with, those that begin with a letter at 0.
var nationalByLead = makeNationalByLead()

type nationalShape struct {
	shape
	nationalForm
}

func makeNationalByLead() (t [maxForm + 1][]nationalShape) {
	for _, f := range nationalForms {
		s := newShape(f.form)
		t[s.digits] = append(t[s.digits], nationalShape{s, f})
	}
	return t
}

const (
	minNational = 9  // digits of the shortest that has no letter in it
	maxNational = 18 // letters and digits of the longest
)

// nationalNumber looks for a personal number at the beginning of n.
func (s *scan) nationalNumber(n *number) bool {
	start := n.group[0].start()
	if n.n == 6 && n.groups == 3 && standsApart(s.b, start) {
		start -= 3 // a NINO
	} else if n.plus || n.n < minNational {
		return false
	}
	end := s.national(start)
	return end > 0 && s.emit(NationalID, start, end)
}

// standsApart reports whether two letters and a blank are before b[i].
func standsApart(b []byte, i int) bool {
	return i >= 3 && b[i-1] == ' ' && is(b[i-2], letter) && is(b[i-3], letter) && boundary(b, i-3)
}

// national returns the end of the personal number at b[start:] that is written
// in one of the forms, or 0.
func (s *scan) national(start int) int {
	lead := skipDigits(s.b, start) - start
	if lead > maxForm {
		return 0
	}
	for i := range nationalByLead[lead] {
		f := &nationalByLead[lead][i]
		var g gathered
		end := f.match(s.b, start, s.query, &g)
		if end == 0 || !f.valid(g) {
			continue
		}
		if !f.needsContext && !isSize(s.b, start, end) && !hasLower(s.b[start:end]) && !s.isOfLog(f.shape.form, start, end) || s.context(start, end)&roleNational != 0 {
			return end
		}
	}
	return 0
}

// isOfLog reports whether b[start:end], which has the form, is one field of a log line or
// several side by side, or a number of things.
func (s *scan) isOfLog(f form, start, end int) bool {
	if strings.IndexByte(string(f), ' ') > 0 {
		return s.fieldsAround(start, end)
	}
	return skipDigits(s.b, start) == end && (s.fieldBefore(start) && s.fieldBehind(end) || s.isCount(start, end))
}

// maxLowerWord is the length of the longest word of digits with lower-case letters that
// is taken for no personal number by its form: a digest that was cut short.
const maxLowerWord = 12

// hasLower reports whether a short number has a lower-case letter, where people write
// capitals.
func hasLower(w []byte) bool {
	if len(w) > maxLowerWord {
		return false
	}
	for _, c := range w {
		if c >= 'a' && c <= 'z' {
			return true
		}
	}
	return false
}

// isSize reports whether b[start:end] is an amount of memory, as Java writes it:
// "10748K->10748K(76288384K)".
func isSize(b []byte, start, end int) bool {
	switch b[end-1] {
	case 'K', 'M', 'G', 'T', 'B':
		return at(b, end) == '-' || at(b, end) == '(' || at(b, end) == '/' || at(b, start-1) == '>' || at(b, start-1) == '(' || at(b, start-1) == '/'
	}
	return false
}
