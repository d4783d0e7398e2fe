package callers

import (
	"regexp"
	"strings"
)

// Bounds of what is kept of a User-Agent.
const (
	maxAgent    = 64   // bytes
	maxProducts = 3    // of one header
	maxHeader   = 1024 // bytes of a header that are looked at
)

// productName is what a product may be called: letters first, and few digits in a row, so
// that it is no number of a person's, a card's or a phone's, and no key. productVersion is
// as much of a version as tells releases apart.
var (
	productName    = regexp.MustCompile(`^[A-Za-z][A-Za-z_.+-]*([0-9]{1,3}[A-Za-z_.+-]*){0,3}$`)
	productVersion = regexp.MustCompile(`^v?([0-9]{1,4}(\.[0-9]{1,4})?)([^0-9].*)?$`)
)

const maxName = 32

// Products is a User-Agent header without what may be about a person: the first products
// with the beginnings of their versions, and no comment (RFC 9110, section 10.1.5). It is
// empty where there is no product that is fit to be kept.
func Products(header string) string {
	if len(header) > maxHeader {
		header = header[:maxHeader]
	}
	var kept []string
	length := 0
	first := true
	for word := range strings.FieldsSeq(withoutComments(header)) {
		p := product(word)
		// Behind the first, a word without a version is as likely of a sentence.
		if bare := !strings.Contains(p, "/"); p == "" || bare && !first {
			first = false
			continue
		}
		first = false
		if length += len(p) + 1; length > maxAgent+1 || len(kept) == maxProducts {
			break
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, " ")
}

// product is one word of the header as it is kept; empty if it is not.
func product(word string) string {
	name, version, _ := strings.Cut(word, "/")
	if len(name) > maxName || !productName.MatchString(name) {
		return ""
	}
	if parts := productVersion.FindStringSubmatch(version); parts != nil {
		return name + "/" + parts[1]
	}
	return name
}

// withoutComments leaves out what is in parentheses, which nest. One that is not closed
// goes to the end.
func withoutComments(header string) string {
	var kept strings.Builder
	depth := 0
	for i := 0; i < len(header); i++ {
		switch c := header[i]; {
		case c == '(':
			depth++
			kept.WriteByte(' ')
		case c == ')':
			depth = max(0, depth-1)
			kept.WriteByte(' ')
		case c == '\\' && depth > 0:
			i++ // a quoted-pair
		case depth == 0:
			kept.WriteByte(c)
		}
	}
	return kept.String()
}
