package markdown

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

var id = regexp.MustCompile(`\bid="([^"]+)"`)

// named notes the anchors that HTML in a document sets itself.
func (r *reader) named(html string) {
	for _, set := range id.FindAllStringSubmatch(html, -1) {
		r.doc.Anchors[set[1]] = true
	}
}

// newAnchor is what GitHub makes of a heading: its letters, digits, dashes and underscores in
// lower case, with a dash for each space, and a number if the document has that already.
func (r *reader) newAnchor(heading string) string {
	base := strings.Map(func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case unicode.IsLetter(c), unicode.IsDigit(c), c == '-', c == '_':
			return unicode.ToLower(c)
		default:
			return -1
		}
	}, strings.TrimSpace(heading))
	anchor := base
	for i := 1; r.doc.Anchors[anchor]; i++ {
		anchor = fmt.Sprintf("%s-%d", base, i)
	}
	return anchor
}
