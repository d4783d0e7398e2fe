package scrub

import "bytes"

// pemLines finds the lines of a private key that is written over several, as programs do
// that log one as it is: from BEGIN to END, with what a logger puts before each line, and
// with lines of others in between, which stay. It is what a filter remembers of the lines
// before.
type pemLines struct {
	left   int // lines that may still be of the key; 0 outside of one
	column int // where BEGIN was in its line
}

const (
	maxPEMLines = 400 // lines from BEGIN to END, those of others included
	minPEMRun   = 24  // bytes of base64 that are a key's wherever they are in a line
)

// next returns the part of a line that is of a key which an earlier line began, and
// remembers whether one begins or ends in it. What begins and ends in one line is not told:
// the line shows that by itself.
func (p *pemLines) next(line []byte) (part span, found bool) {
	if p.left > 0 {
		p.left--
		end := bytes.Index(line, []byte("-----END"))
		part, found = p.keyIn(line[:max(end, 0)])
		if end < 0 {
			part, found = p.keyIn(line)
		} else {
			p.left = 0
		}
	}
	if i := bytes.LastIndex(line, []byte(pemBegin)); i >= 0 && pemBody(line, i+len(pemBegin)) >= 0 && !bytes.Contains(line[i:], []byte("-----END")) {
		p.left, p.column = maxPEMLines, i
	}
	return part, found
}

// keyIn returns the part of a line that can be a key's: all of it, but for blanks; what
// stands where BEGIN stood; or the longest run of base64 in it.
func (p *pemLines) keyIn(line []byte) (span, bool) {
	for _, from := range [...]int{0, p.column} {
		if start, end := trimBlank(line, min(from, len(line)), len(line)); start < end && isPEMText(line[start:end]) {
			return span{start, end}, true
		}
	}
	if end := pemRun(line, p.column); end > p.column && (isQuote(at(line, end)) || at(line, end) == '\\') {
		return span{p.column, end}, true
	}
	best := span{}
	for i := 0; i < len(line); {
		end := pemRun(line, i)
		if end-i > best.end-best.start {
			best = span{i, end}
		}
		i = max(end, i+1)
	}
	c := contentOf(line[best.start:best.end])
	return best, best.end-best.start >= minPEMRun && c.upper > 0 && c.upper < c.letters && c.digits > 0
}

// pemRun returns the end of the run of base64 at line[i:].
func pemRun(line []byte, i int) int {
	for i < len(line) && isPEMByte(line[i]) {
		i++
	}
	return i
}

// isPEMText reports whether a text is of base64 only, or a header of an encrypted key.
func isPEMText(b []byte) bool {
	for _, header := range [...]string{"Proc-Type:", "DEK-Info:", "Version:", "Comment:"} {
		if bytes.HasPrefix(b, []byte(header)) {
			return true
		}
	}
	return pemRun(b, 0) == len(b)
}

func isPEMByte(c byte) bool { return is(c, alnum) || c == '+' || c == '/' || c == '=' }
