package scrub

import "bytes"

// pemLines finds the lines of a private key that is written over several, as programs do
// that log one as it is: from BEGIN to END, with what a logger puts around each line, and
// with lines of others in between, which stay. It is what a filter remembers of the lines
// before.
type pemLines struct {
	left     int  // lines that may still be of the key; 0 outside of one
	others   int  // lines of others since the last one of the key
	seen     bool // a line of the key has come
	column   int  // where BEGIN was in its line
	envelope envelope
	before   []byte // what was before BEGIN, the last bytes of it
	behind   []byte // what was behind it, the first bytes of it
}

const (
	maxPEMLines  = 400 // lines from BEGIN to END, those of others included
	maxPEMOthers = 8   // lines of others in a row, behind which the key has ended
	maxAround    = 6   // bytes that are remembered of what is before BEGIN
	maxBehind    = 2   // and behind it
	minPEMLine   = 4   // bytes of base64 on the shortest line of a key
)

// next returns the part of a line that is of a key which an earlier line began, and
// remembers whether one begins or ends in it. What begins and ends in one line is not told:
// the line shows that by itself.
func (p *pemLines) next(line []byte) (part span, found bool) {
	if p.left > 0 {
		p.left--
		body, end := line, p.envelope.endIn(line)
		if end >= 0 {
			p.left, body = 0, line[:end]
		}
		if part, found = p.keyIn(body); found {
			p.others, p.seen = 0, true
		} else if p.others++; p.others > maxPEMOthers {
			p.left = 0
		}
	}
	p.begin(line)
	return part, found
}

// begin remembers the key that begins in a line and does not end in it: a line that only
// mentions one has words behind the dashes.
func (p *pemLines) begin(line []byte) {
	e, ok := nextEnvelope(line, 0)
	for last := e; ok; last, ok = nextEnvelope(line, e.body) {
		e = last
	}
	if e.body == 0 || e.endIn(line[e.body:]) >= 0 {
		return
	}
	rest := bytes.TrimRight(line[e.body:], " \t\r")
	if beginsKey(rest) {
		start, _ := trimBlank(rest, 0, len(rest))
		rest = rest[pemRun(rest, start):]
	}
	if len(rest) > 0 && (is(rest[0], blank|alnum) || rest[0] == '.' || rest[0] == ':' || rest[0] == '?' || rest[0] == '!') {
		return
	}
	p.left, p.others, p.seen, p.column, p.envelope = maxPEMLines, 0, false, e.start, e
	p.before = append(p.before[:0], line[max(0, e.start-maxAround):e.start]...)
	p.behind = append(p.behind[:0], rest[:min(len(rest), maxBehind)]...)
}

// keyIn returns the part of a line that can be a key's: all of it, but for blanks, or what
// stands between the same bytes as BEGIN did.
func (p *pemLines) keyIn(line []byte) (span, bool) {
	if start, end := trimBlank(line, 0, len(line)); p.isKey(line, span{start, end}) {
		return span{start, end}, true
	}
	if part, ok := p.keyAt(line, min(p.column, len(line))); ok {
		return part, true
	}
	for i := 0; i < len(line); {
		if part, ok := p.keyAt(line, i); ok {
			return part, true
		}
		i = max(pemRun(line, i), i+1)
	}
	return span{}, false
}

// keyAt returns the part of a line that can be a key's and begins at line[i].
func (p *pemLines) keyAt(line []byte, i int) (span, bool) {
	part := span{i, pemRun(line, i)}
	if isKeyHeader(line[i:]) {
		part.end = p.headerEnd(line, i)
	}
	return part, p.isAround(line, part) && p.isKey(line, part)
}

// isKey reports whether a part of a line is of base64 only, or a header of a key. Where
// lines of the key have come a few bytes will do, as its last line may be short.
func (p *pemLines) isKey(line []byte, part span) bool {
	text := line[part.start:part.end]
	if isKeyHeader(text) {
		return p.seen || p.others == 0
	}
	if len(text) < minPEMLine || pemRun(text, 0) != len(text) {
		return false
	}
	c := contentOf(text)
	near := c.upper > 0 && c.upper < c.letters || c.digits > 0 && c.letters > 0 || text[len(text)-1] == '='
	return isKeyText(text) || near && (p.seen || p.others == 0)
}

// isAround reports whether a part of a line stands between what BEGIN stood between; numbers
// and blanks may be others.
func (p *pemLines) isAround(line []byte, part span) bool {
	i, k := part.start, len(p.before)
	for i > 0 && k > 0 {
		c, was := line[i-1], p.before[k-1]
		switch {
		case isDigit(c) && isDigit(was):
			i, k = digitsBefore(line, i), digitsBefore(p.before, k)
		case isTab(c) && isTab(was):
			i, k = len(bytes.TrimRight(line[:i], " \t")), len(bytes.TrimRight(p.before[:k], " \t"))
		case c != was:
			return false
		default:
			i, k = i-1, k-1
		}
	}
	rest := bytes.TrimRight(line[part.end:], " \t\r")
	return k == 0 && (i == 0 || len(p.before) == maxAround) && bytes.HasPrefix(rest, p.behind) && (len(p.behind) > 0 || len(rest) == 0)
}

// headerEnd returns the end of the header at line[i:].
func (p *pemLines) headerEnd(line []byte, i int) int {
	if n := bytes.Index(line[i:], p.behind); n > 0 {
		return i + n
	}
	return len(line)
}
