package negotiation

import (
	"strings"
)

// maxRanges bounds how many media ranges of one request count. Nobody sends that many.
const maxRanges = 100

// certain is the quality of what a client wants most, in thousandths: q=1.
const certain = 1000

// mediaRange is one of those that a client accepts.
type mediaRange struct {
	// kind and subtype are in lower case, a star for any.
	kind, subtype string
	// version is the parameter of that name, empty if there is none.
	version string
	quality int // in thousandths
}

// parseAccept reads the lines of the Accept header, joined with commas (RFC 9110, 12.5.1).
// A range that is malformed, or that asks for a parameter which no version's media type has,
// matches nothing: it is left out.
func parseAccept(header string) (ranges []mediaRange) {
	for len(header) > 0 && len(ranges) < maxRanges {
		var element string
		element, header = cut(header, ',')
		if r, ok := parseRange(element); ok {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// emptyList reports whether a header has no elements, which says what no header does. Empty
// ones count for none (RFC 9110, 5.6.1).
func emptyList(header string) bool { return strings.Trim(header, " \t,") == "" }

func parseRange(element string) (mediaRange, bool) {
	full, parameters := cut(element, ';')
	r := mediaRange{quality: certain}
	full = strings.ToLower(trim(full))
	if full == "*" { // old clients of Java's send "*; q=.2"
		full = "*/*"
	}
	var ok bool
	r.kind, r.subtype, ok = strings.Cut(full, "/")
	if !ok || !isToken(r.kind) || !isToken(r.subtype) || r.kind == "*" && r.subtype != "*" {
		return r, false
	}
	for parameters != "" {
		var parameter string
		parameter, parameters = cut(parameters, ';')
		if !r.take(trim(parameter)) {
			return r, false
		}
	}
	return r, true
}

// take reads a parameter. Any named q is the weight, wherever it stands. JSON has one
// charset, and its parameter no meaning (RFC 8259, section 11). Spaces around = and quotes
// around a weight are malformed (RFC 9110, 5.6.6 and 12.4.2) and plain: they are taken, as
// RFC 2616 had clients write spaces.
func (r *mediaRange) take(parameter string) (ok bool) {
	if parameter == "" { // an empty one counts for none
		return true
	}
	name, value, found := strings.Cut(parameter, "=")
	value = unquote(trim(value))
	switch strings.ToLower(trim(name)) {
	case "q":
		r.quality, ok = parseQuality(value)
		return ok
	case "charset":
		return found
	case "version":
		r.version = value
		return value != ""
	}
	return false
}

// parseQuality reads a weight from 0 to 1 with up to three decimals, in thousandths. It
// takes one without its zero, such as .2, too, which old clients of Java's send.
func parseQuality(text string) (thousandths int, ok bool) {
	whole, decimals, dot := strings.Cut(text, ".")
	if len(decimals) > 3 || whole != "0" && whole != "1" && (whole != "" || decimals == "") {
		return 0, false
	}
	if whole == "1" {
		thousandths = certain
	}
	unit := certain
	for _, digit := range decimals {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		unit /= 10
		thousandths += int(digit-'0') * unit
	}
	return thousandths, thousandths <= certain && (dot || decimals == "")
}

// cut is strings.Cut at the first separator outside of quotes.
func cut(text string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++ // whatever it is, it is no quote's end
		case text[i] == '"':
			quoted = !quoted
		case !quoted && text[i] == separator:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// unquote is the text of a quoted string, or a token as it is.
func unquote(text string) string {
	inner, ok := strings.CutPrefix(text, `"`)
	if !ok {
		return text
	}
	if inner, ok = strings.CutSuffix(inner, `"`); !ok {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) {
			i++
		}
		b.WriteByte(inner[i])
	}
	return b.String()
}

func trim(text string) string { return strings.Trim(text, " \t") }

// isToken reports whether a text is one (RFC 9110, 5.6.2).
func isToken(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return text != ""
}

// rank is how specific a range is about a media type, the more the higher; zero if it does
// not match. isVersion tells whether the parameter version is that of the type's version.
func (r *mediaRange) rank(kind, subtype string, isVersion func(string) bool) (rank int) {
	switch {
	case r.kind == "*":
		rank = 2
	case r.kind != kind:
		return 0
	case r.subtype == "*":
		rank = 4
	case r.subtype == subtype:
		rank = exact
	default:
		return 0
	}
	if r.version == "" {
		return rank
	}
	if !isVersion(r.version) {
		return 0
	}
	return rank + 1
}

// exact is the rank of a range without wildcards, from there on.
const exact = 6
