package configcheck

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// slip is the mistake that a complaint of the YAML parser comes from, and its line: the parser
// tells of the place where it can read on no further.
func slip(text []byte, line int, complaint string) (at int, what, fix string) {
	if open := stillOpen(text, line); open.line > 0 && isSyntax(complaint) {
		switch open.by {
		case '[':
			return open.line, "the [ in this line is not closed", "write ] where its list ends"
		case '{':
			return open.line, "the { in this line is not closed", "write } where its fields end"
		default:
			return open.line, fmt.Sprintf("the quote %c in this line is not closed", open.by), "write the second one where its text ends"
		}
	}
	before := lineBefore(text, line)
	switch {
	case complaint == "did not find expected '-' indicator" && isShifted(text, before, line):
		return before, complaint, fmt.Sprintf("begin the fields of one entry in one column: those of lines %d and %d do not", before, line)
	case complaint == "did not find expected '-' indicator" || complaint == "did not find expected key":
		return line, complaint, "begin it in the column of the entries beside it, or take out what has no place there"
	case strings.HasPrefix(complaint, "did not find expected ','"):
		return line, complaint, "write a comma before it"
	case strings.HasPrefix(complaint, "mapping values are not allowed"):
		return line, complaint, "begin it in the column of the entries beside it, or put a text with a colon in quotes"
	case strings.HasPrefix(complaint, "could not find expected ':'"):
		return before, "a key without a colon and a space after it", "write NAME: VALUE, or put a text in quotes"
	case strings.HasPrefix(complaint, "found character that cannot start any token"):
		return line, complaint, "put the text in quotes"
	case strings.HasPrefix(complaint, "unknown anchor"):
		return line, complaint, "write the anchor & before it is used, or put a text that begins with * in quotes"
	default:
		return line, complaint, whatKongReads
	}
}

// isSyntax reports whether a complaint is of the parser, and not of what was read.
func isSyntax(complaint string) bool {
	for _, begin := range []string{"mapping values are not allowed", "did not find expected", "could not find expected", "found unexpected end of stream"} {
		if strings.HasPrefix(complaint, begin) {
			return true
		}
	}
	return false
}

// opening is a bracket or a quote that begins something, and its line.
type opening struct {
	by   byte
	line int
}

func (o opening) isQuote() bool { return o.by == '"' || o.by == '\'' }

// stillOpen is what is open where a line begins, a bracket only if nothing closes it later; of
// line 0 if there is none.
func stillOpen(text []byte, line int) opening {
	here := openings(text, line)
	if len(here) == 0 {
		return opening{}
	}
	last := here[len(here)-1]
	if last.isQuote() {
		return last
	}
	for _, open := range slices.Backward(openings(text, math.MaxInt)) {
		if slices.Contains(here, open) {
			return open
		}
	}
	return opening{}
}

// openings are what is open where a line begins, the outermost first.
func openings(text []byte, line int) (all []opening) {
	n, before := 1, byte('\n')
	for i := 0; i < len(text) && n < line; i++ {
		c := text[i]
		switch inner := innermost(all); {
		case inner.by == '"' && c == '\\':
			i++
		case inner.isQuote() && c != inner.by:
		case inner.isQuote(), inner.line > 0 && (c == ']' || c == '}'):
			all = all[:len(all)-1]
		case c == '#' && (before == ' ' || before == '\n'):
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case strings.IndexByte("\n [{,:", before) >= 0 && strings.IndexByte(`"'[{`, c) >= 0:
			all = append(all, opening{c, n})
		}
		if c == '\n' {
			n++
		}
		before = c
	}
	return all
}

func innermost(all []opening) opening {
	if len(all) == 0 {
		return opening{}
	}
	return all[len(all)-1]
}

// lineBefore is the line before one that has something in it.
func lineBefore(text []byte, line int) int {
	lines := bytes.Split(text, []byte("\n"))
	for n := min(line-1, len(lines)); n > 0; n-- {
		if len(bytes.TrimSpace(lines[n-1])) > 0 {
			return n
		}
	}
	return line
}

// isShifted reports whether a line has the second field of an entry that the one before it
// begins, and in another column than the first.
func isShifted(text []byte, before, line int) bool {
	lines := bytes.Split(text, []byte("\n"))
	if line < 1 || line > len(lines) || before < 1 {
		return false
	}
	first, second := lines[before-1], lines[line-1]
	dash := len(first) - len(bytes.TrimLeft(first, " "))
	column := len(second) - len(bytes.TrimLeft(second, " "))
	return bytes.HasPrefix(first[dash:], []byte("- ")) && !bytes.HasPrefix(second[column:], []byte("-")) && column > dash
}
