package scrub

import (
	"bytes"
	"slices"
)

const (
	minPhone = 7  // digits of the shortest number
	maxPhone = 15 // digits of the longest (E.164, 6.2.1)
)

// phone looks for a telephone number at the beginning of n.
func (s *scan) phone(n *number) bool {
	if n.n < minPhone-1 || !n.plus && isFraction(s.b, n.group[0].start(), n.end) && n.groups < 3 {
		return false
	}
	end := s.phoneEnd(n)
	return end > 0 && s.emit(Phone, n.start, extensionEnd(s.b, end))
}

// phoneEnd returns the end of the telephone number that n begins with, by its
// form or by what the words around it say; 0 if it is none.
func (s *scan) phoneEnd(n *number) int {
	first := n.group[0]
	switch {
	case n.plus:
		return n.international(0)
	case first.size() > 1 && n.digits[0] == '0' && n.digits[1] == '0' && n.groups > 1:
		if end := n.international(2); end > first.end() && !s.inTable(n, end) {
			return end
		}
	}
	if end := s.phoneByForm(n); end > 0 && !s.amongFields(n, end) && !n.isPostcode(s.b, end) && !n.isDecimal(end) &&
		!n.isMAC(end) && !s.inTable(n, end) && !s.isCount(n.start, end) {
		return end
	}
	return s.phoneByContext(n)
}

// phoneByForm returns the end of a number that has a national form.
func (s *scan) phoneByForm(n *number) int {
	var g gathered
	list := phoneByLead[skipDigits(s.b, n.start)-n.start]
	for i := range list {
		if end := list[i].match(s.b, n.start, s.query, &g); end > 0 && chinaOrNone(list[i].form, &g) && !isRound(&g) {
			if n.slashes && bytes.IndexByte(s.b[n.start:end], '/') >= 0 {
				continue
			}
			return end
		}
	}
	return n.withTail(n.trunk(s.b))
}

// phoneForms are the ways to write national numbers that need no word beside
// them to be told from other numbers.
var phoneForms = []form{
	"NXX-XXX-XXXX", "NXX.XXX.XXXX", "NXX NXX XXXX", "(NXX)_XXX~XXXX", // North America
	"1~NXX~NXX~XXXX", "XX-NXX-NXX-XXXX", "XXX-NXX-NXX-XXXX", // the same with a prefix
	"(XX)_XXXX~XXXX", "(XX)_9XXXX~XXXX", "XX 9XXXX-XXXX", // Brazil
	"(X)_XXXX~XXXX", "(XXX)_XXXXXXX", "3XX XXXXXXX", // Chile, Colombia
	"8~XXX~XXX~XX~XX", // Russia
	chinaMobile,
	"6XX XX XX XX", "6XX-XX-XX-XX", "7XX XX XX XX", "8XX XX XX XX", "9XX XX XX XX", // Spain
	"5XX XXX XXX", "6XX XXX XXX", "7XX XXX XXX", "9XX XXX XXX", // Poland, Czechia, Spain, Portugal, Peru
	"21 XXX XXXX", "21 XXXX XXXX", // Lisbon, Athens
	"0X-XX XX XX", "(0XX)_XXXXX", // Sweden, Ireland
	"07XXXXXXXXX",              // United Kingdom, mobile
	"06XXXXXXXX", "07XXXXXXXX", // France, mobile
}

// phoneByLead holds phoneForms by the number of digits that they begin with,
// those that begin with a parenthesis at 0.
var phoneByLead = makePhoneByLead()

func makePhoneByLead() (t [maxDigits + 1][]shape) {
	for _, f := range phoneForms {
		s := newShape(f)
		t[s.digits] = append(t[s.digits], s)
	}
	return t
}

// chinaMobile is the grouping of Chinese mobile numbers.
const chinaMobile form = "1XX~XXXX~XXXX"

// chinaOrNone reports whether the digits may be what the form says: Chinese
// mobile numbers have no second digit below 3.
func chinaOrNone(f form, g *gathered) bool { return f != chinaMobile || g[1] >= '3' }

// isRound reports whether nine digits are a round number, as "650 000 000" is.
func isRound(g *gathered) bool { return g[9] == 0 && string(g[6:9]) == "000" }

// international returns the end of the E.164 number the country code of which
// stands behind skip digits: of as many groups as its country's numbers have
// digits, or else of as many as E.164 allows.
func (n *number) international(skip int) int {
	if n.digits[skip] == '0' {
		return 0
	}
	least, most := e164Lengths(n.digits[skip:n.n])
	if end := n.endWithin(skip, least, most); end > 0 {
		return end
	}
	return n.endWithin(skip, minPhone+1, maxPhone)
}

// endWithin returns the end of the longest run of groups that has from least to
// most digits, the first skip not counted.
func (n *number) endWithin(skip, least, most int) (end int) {
	for i, g := range n.group[:n.groups] {
		total := g.total() - skip
		if i > 0 && n.trunkInParentheses() {
			total--
		}
		if total >= least && total <= most {
			end = g.end()
		}
	}
	return end
}

// trunkInParentheses reports whether the second group is the prefix that is not
// dialled from abroad: "+46 (0)8 928 571 38".
func (n *number) trunkInParentheses() bool {
	g := n.group[1]
	return n.groups > 2 && g.size() == 1 && n.digits[g.digits-1] == '0' && n.group[2].sep == ')'
}

// trunk returns the end of a number that begins with the trunk prefix 0: two
// groups or more, nine to eleven digits.
func (n *number) trunk(b []byte) (end int) {
	first := n.group[0]
	if n.digits[0] != '0' || n.digits[1] == '0' || first.size() < 2 || first.size() > 6 {
		return 0
	}
	for i, g := range n.group[1:n.groups] {
		if g.sep == '/' && (i > 0 || at(b, n.start-1) == '/') {
			break
		}
		if g.digits >= 9 && g.digits <= maxTrunk(n) && !goesOn(b, g.end(), first.size() <= 2) {
			end = g.end()
		}
	}
	return end
}

// maxTrunk is how many digits a number with a trunk prefix has at most: German
// mobile numbers have one more than others.
func maxTrunk(n *number) uint8 {
	if n.digits[1] == '1' {
		return 12
	}
	return 11
}

// phoneByContext returns the end of a number that the words around it call a telephone
// number. Weak words, such as "call", need a number in groups.
func (s *scan) phoneByContext(n *number) int {
	if n.apart {
		var all number // a word beside it holds fields together
		all.readAll(s.b, n.group[0].start(), s.query)
		if end := s.phoneByContext(&all); end > 0 {
			return end
		}
	}
	least := minPhone
	if n.groups >= 3 {
		least-- // "33 93 31"
	}
	end := n.endWithin(0, least, maxPhone)
	if end == 0 || n.n >= 13 && n.isEpoch() || !n.dotsOfPhone(end) {
		return 0
	}
	if s.isCalled(n) {
		return end
	}
	r := s.context(n.start, end)
	if r&(rolePhone|roleCall) != 0 && s.nameBefore(n.start)&rolePhone == 0 && s.isCount(n.start, end) {
		return 0
	}
	if r&rolePhone != 0 || r&roleCall != 0 && end > n.group[0].end() && n.group[1].sep != '.' && !n.isPostcode(s.b, end) {
		return end
	}
	return 0
}

// isPostcode reports whether the number up to b[end] is a postcode of five digits and the
// number of a house in the street the name of which follows: "03262 2437 Main St".
func (n *number) isPostcode(b []byte, end int) bool {
	return n.groups > 1 && end == n.group[1].end() && n.group[0].size() == 5 && n.group[1].size() <= 4 && n.group[1].sep == ' ' &&
		at(b, end) == ' ' && at(b, end+1) >= 'A' && at(b, end+1) <= 'Z' && isAlpha(at(b, end+2))
}

// dottedPhones are the sizes of the groups of telephone numbers with points within: others
// are fractions and versions, as in "/mobile/21.9.1556".
var dottedPhones = []string{
	"334", "34", "44", "244", "2222", "22222", "333", "3333", "322", "3222", "2322", "1334", "32222", "43322",
}

// dotsOfPhone reports whether the groups of a number up to end are those of a telephone
// number, if there is a point between any two of them, or more than one slash.
func (n *number) dotsOfPhone(end int) bool {
	var sizes [maxGroups]byte
	dots, slashes, k := 0, 0, 0
	for _, g := range n.group[:n.groups] {
		if g.end() > end {
			break
		}
		switch g.sep {
		case '.':
			dots++
		case '/':
			slashes++
		}
		sizes[k] = '0' + byte(g.size())
		k++
	}
	return dots == 0 && slashes < 2 || n.plus || slices.Contains(dottedPhones, string(sizes[:k])) || k > 2 && n.digits[0] == '0' && n.group[0].size() > 1
}

// isMAC reports whether a number up to b[end] has the groups in which Cisco writes MAC
// addresses: "0165.4142.1533".
func (n *number) isMAC(end int) bool {
	return n.groups > 2 && n.group[2].end() == end && n.group[1].sep == '.' && n.group[2].sep == '.' &&
		n.group[0].size() == 4 && n.group[1].size() == 4 && n.group[2].size() == 4
}

// isEpoch reports whether the number can be a time since 1970 in seconds,
// milliseconds, microseconds or nanoseconds: between 2014 and 2033.
func (n *number) isEpoch() bool {
	size := n.group[0].size()
	return n.groups == 1 && !n.plus && size >= 10 && size <= 19 && size%3 == 1 && n.digits[0] == '1' && n.digits[1] >= '4'
}

// isIdentifier reports whether the number is a part of one, as in "order-2025-17".
func (n *number) isIdentifier(b []byte) bool {
	c := at(b, n.start-1)
	return (c == '-' || c == '_') && is(at(b, n.start-2), alnum)
}

// extensionEnd returns the end of the extension that follows a number at b[i]:
// "x123", " ext. 123".
func extensionEnd(b []byte, i int) int {
	j := i
	for j-i < 2 && at(b, j) == ' ' && j < len(b) {
		j++
	}
	switch {
	case foldPrefix(b, j, "ext"):
		j += 3
	case at(b, j) == 'x' || at(b, j) == 'X':
		j++
	default:
		return i
	}
	for at(b, j) == '.' || at(b, j) == ' ' && j < len(b) {
		j++
	}
	end := skipDigits(b[:min(len(b), j+6)], j)
	if end == j || is(at(b, end), alnum) {
		return i
	}
	return end
}

// isExtension reports whether the letter at b[i] begins an extension.
func isExtension(b []byte, i int) bool { return extensionEnd(b, i) > i }
