package scrub

import "bytes"

// envelope is what a private key is written in: lines of base64 between two that say what
// it is.
type envelope struct {
	start, body int    // where its first line, and what is behind that, begins in the text
	end         string // how its last line begins
}

const (
	keyWords  = "PRIVATE KEY"
	puttyHead = "Private-Lines:" // of PuTTY's .ppk, with the number of lines
	puttyEnd  = "Private-MAC"
	minDashes = 4  // of a line that begins or ends a key: SSH2 (RFC 4716) has four, PEM (RFC 7468) five
	maxLabel  = 64 // bytes of its label
)

// nextEnvelope returns the envelope that begins at b[from:] or later.
func nextEnvelope(b []byte, from int) (e envelope, ok bool) {
	for i := from; ; {
		n := bytes.Index(b[i:], []byte(keyWords))
		if n < 0 {
			break
		}
		i += n + len(keyWords)
		if e, ok = dashedEnvelope(b, i-len(keyWords), i); ok && e.start >= from {
			return e, true
		}
	}
	n := bytes.Index(b[from:], []byte(puttyHead))
	if n < 0 {
		return envelope{}, false
	}
	e = envelope{start: from + n, body: from + n + len(puttyHead), end: puttyEnd}
	for isTab(at(b, e.body)) && e.body < len(b) {
		e.body++
	}
	digits := e.body
	e.body = skipDigits(b, digits)
	return e, e.body > digits
}

// dashedEnvelope returns the envelope the label of which has the words b[start:end].
func dashedEnvelope(b []byte, start, end int) (e envelope, ok bool) {
	first := start
	for start > 0 && first-start < maxLabel && (b[start-1] == ' ' || is(b[start-1], alnum)) {
		start--
	}
	label := bytes.TrimLeft(b[start:first], " ")
	e.start, e.end = start, "END"
	for e.start > 0 && b[e.start-1] == '-' {
		e.start--
	}
	for end < len(b) && (b[end] == ' ' || is(b[end], alnum)) {
		end++
	}
	e.body = end
	for at(b, e.body) == '-' {
		e.body++
	}
	return e, start-e.start >= minDashes && e.body-end >= minDashes && bytes.HasPrefix(label, []byte("BEGIN "))
}

// endIn returns where the envelope ends in b, -1 if it does not.
func (e envelope) endIn(b []byte) int {
	if e.end == puttyEnd {
		return bytes.Index(b, []byte(puttyEnd))
	}
	for i := 0; ; {
		n := bytes.Index(b[i:], []byte("----"))
		if n < 0 {
			return -1
		}
		n += i
		for i = n; i < len(b) && b[i] == '-'; {
			i++
		}
		if bytes.HasPrefix(bytes.TrimPrefix(b[i:], []byte{' '}), []byte(e.end)) {
			return n
		}
	}
}

// privateKeys redacts the bodies of private keys, headers included. One that does not end is
// only mentioned, unless text of a key follows.
func (s *scan) privateKeys() {
	for i := 0; ; {
		e, ok := nextEnvelope(s.b, i)
		if !ok {
			return
		}
		end := e.endIn(s.b[e.body:])
		if i = e.body; end < 0 && !beginsKey(s.b[e.body:]) {
			continue
		}
		if i = e.body + end; end < 0 {
			i = len(s.b)
		}
		from, to := trimBlank(s.b, e.body, i)
		if from < to && s.spend(i-e.body) && !s.e.isMarker(s.b[from:to]) {
			s.redactBy(RuleForm, Secret, value{start: from, end: to})
		}
	}
}

// keyHeaders are the headers of keys.
var keyHeaders = [...]string{"Proc-Type:", "DEK-Info:", "Version:", "Comment:"}

func isKeyHeader(b []byte) bool {
	for _, header := range keyHeaders {
		if bytes.HasPrefix(b, []byte(header)) {
			return true
		}
	}
	return false
}

// beginsKey reports whether the text of a private key begins at b, blanks left out.
func beginsKey(b []byte) bool {
	start, _ := trimBlank(b, 0, len(b))
	return isKeyHeader(b[start:]) || isKeyText(b[start:pemRun(b, start)])
}

const (
	minKeyText  = 16 // bytes of base64 that are a key's wherever they are
	minKeyWords = 40 // of letters only
)

// isKeyText reports whether a run of base64 is random enough to be a key's, and no word.
func isKeyText(run []byte) bool {
	c := contentOf(run)
	mixed := c.upper > 0 && c.upper < c.letters
	return len(run) >= minKeyText && mixed && (c.digits > 0 || len(run) >= minKeyWords || run[len(run)-1] == '=')
}

// pemRun returns the end of the run of base64 at b[i:], with its padding.
func pemRun(b []byte, i int) int {
	for i < len(b) && (is(b[i], alnum) || b[i] == '+' || b[i] == '/') {
		i++
	}
	for pad := i; i < len(b) && b[i] == '=' && i-pad < 2; {
		i++
	}
	return i
}
