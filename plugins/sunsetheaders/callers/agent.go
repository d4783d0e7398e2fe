package callers

import (
	"regexp"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/apikey"
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

// address is a name that may be a mailbox or a host, as a person's often is: with a dot in
// it, a word "at" or an end such as -com. secret is one that may be a key: it begins as keys
// do, says live or test in its middle, or has letters and digits as nobody names a product.
var (
	address = regexp.MustCompile(`(?i)\.|[_+-]at[_+-]|[_+-](com|org)$|gmail|mailto`)
	secret  = regexp.MustCompile(`(?i)^(sk|pk|rk|gh[opusr]|github_pat|glpat|xox[a-z]|whsec|api_?key|key|token|secret|bearer|basic|akia|asia|aiza|eyj)([_-]|$)` +
		`|^(akia|asia|aiza|eyj)[a-z0-9]{6}|[_-](live|test|prod)[_-]|[0-9][a-z]+[0-9]+[a-z]|^[a-f0-9]{8,}$`)
	// script is the one dot that products have.
	script = regexp.MustCompile(`^[A-Za-z]+\.js$`)
)

// mayBeAbout reports whether a name may be of a person, or open something.
func mayBeAbout(name string) bool {
	return strings.HasPrefix(strings.ToLower(name), apikey.Prefix) || secret.MatchString(name) || address.MatchString(name) && !script.MatchString(name)
}

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
	if len(name) > maxName || !productName.MatchString(name) || mayBeAbout(name) {
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
