package scrub

import (
	"slices"
	"testing"
)

// TestPersonalNumbers checks each test of a personal number against published
// examples, and against the same with another last digit or letter.
func TestPersonalNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		valid func(gathered) bool
		id    string
	}{
		{"Brazil", isCPF, "52998224725"},
		{"Norway", isNorwegian, "15108695088"},
		{"Belgium", isBelgian, "85073003328"},
		{"Sweden", isSwedish, "8803200016"},
		{"Sweden, with century", isSwedish, "198803200016"},
		{"Czechia", isCzech, "7103192745"},
		{"Finland", isFinnish, "131052308T"},
		{"Switzerland", isAHV, "7569217076985"},
		{"Argentina", isCUIL, "20055361682"},
		{"Chile", isRUT, "125319092"},
		{"Chile, K", isRUT, "760864285"},
		{"India", isAadhaar, "234123412346"},
		{"South Africa", isSouthAfrican, "7503305044089"},
		{"France", isNIR, "295109912611193"},
		{"China", isChinese, "360426199101010071"},
		{"China, X", isChinese, "11010519491231002X"},
		{"Spain", isDNI, "54362315K"},
		{"Spain, foreigner", isNIEOrNRIC, "X2482300W"},
		{"Singapore", isNIEOrNRIC, "S1234567D"},
		{"Ireland", isPPS, "6433435F"},
		{"Canada", isSIN, "123456782"},
		{"Netherlands", isNineDigits, "111222333"},
		{"Portugal", isNineDigits, "501964843"},
		{"United Kingdom, health", isNHS, "9434765870"},
		{"Bulgaria", isTenDigits, "7523169263"},
		{"Poland", isElevenDigits, "44051401359"},
		{"Turkey", isTurkish, "17291716060"},
		{"Germany", isSteuerID, "36574261809"},
		{"Croatia", isSteuerID, "33392005961"},
		{"Romania", isCNP, "1630615123457"},
		{"Italy", isCodiceFiscale, "RCCMNL83S18D969H"},
		{"Mexico", isCURP, "BOXW310820HNERXN09"},
		{"Taiwan", isTaiwanese, "A123456789"},
		{"Hong Kong", isHKID, "A1234563"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var g gathered
			n := copy(g[:], tt.id)
			if !tt.valid(g) {
				t.Fatalf("%s is not recognized", tt.id)
			}
			wrong := 0
			for _, c := range alternatives(g[n-1]) {
				g[n-1] = c
				if !tt.valid(g) {
					wrong++
				}
			}
			if wrong < 6 {
				t.Errorf("%s is recognized with most other check digits too", tt.id)
			}
		})
	}
}

// alternatives are the other digits, or letters, than c.
func alternatives(c byte) []byte {
	all := []byte("0123456789")
	if !isDigit(c) {
		all = []byte("ABCDEFGHIJ")
	}
	return slices.DeleteFunc(all, func(d byte) bool { return d == c })
}

func TestCardNetworks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		digits      string
		known, sure bool
	}{
		{"4111111111111111", true, true},
		{"4222222222222", true, true},
		{"411111111111111", false, false},
		{"2223003122003222", true, true},
		{"2720999999999996", true, true},
		{"2721000000000000", false, false},
		{"378282246310005", true, true},
		{"30569309025904", true, true},
		{"6759649826438453", true, true},
		{"631234567890", true, false},
		{"100000000000000", true, false},
		{"0604000000000000", true, true},
		{"9999999999999999", false, false},
		{"1763953200000", false, false},
	} {
		if known, sure := cardNetwork([]byte(tt.digits)); known != tt.known || sure != tt.sure {
			t.Errorf("%s: known %v, sure %v, want %v, %v", tt.digits, known, sure, tt.known, tt.sure)
		}
	}
}

// TestIBANLengths checks the registry's table: two letters a country, and an
// example of the length that is found.
func TestIBANLengths(t *testing.T) {
	t.Parallel()
	for length, countries := range ibanCountries {
		for i := 0; i < len(countries); i += 3 {
			if got := ibanLength(countries[i]|0x20, countries[i+1]); got != length {
				t.Errorf("%s: %d, want %d", countries[i:i+2], got, length)
			}
		}
	}
	if got := ibanLength('X', 'X'); got != 0 {
		t.Errorf("no country: %d", got)
	}
}
