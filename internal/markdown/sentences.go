package markdown

import (
	"regexp"
	"strings"
)

// sentenceEnd is a full stop, or what stands for one, at the end of a word of two letters or
// more: "e.g. this" and "3.9" end nothing. A semicolon and a colon end what one breath says.
var sentenceEnd = regexp.MustCompile(`[\p{L}\p{N})\]"'’”%]{1,}[.!?;:]["')”]*(?:\s+|$)`)

// Sentences are those of the document's prose. What a colon or semicolon parts are two: each
// is read for itself.
func (d *Document) Sentences() (all []string) {
	for _, prose := range d.Prose {
		rest := prose
		for {
			end := sentenceEnd.FindStringIndex(rest)
			if end == nil {
				break
			}
			all = add(all, rest[:end[1]])
			rest = rest[end[1]:]
		}
		all = add(all, rest)
	}
	return all
}

func add(all []string, sentence string) []string {
	if sentence = strings.TrimSpace(sentence); sentence != "" {
		all = append(all, sentence)
	}
	return all
}

// names are pieces of code in a row: a list that is read at one look.
var names = regexp.MustCompile(`code(?:,? (?:and |or )?code)+`)

// Words is how many words a sentence has. A list of names counts as one.
func Words(sentence string) int {
	return len(strings.Fields(names.ReplaceAllString(sentence, "code")))
}
