package scrub

import (
	"bytes"
	"math/bits"
)

// scan is one reading of one text. It lives on the stack of an entry point.
//
// It moves forward only. Two positions in a window say how far it is: candidates before
// next are left out, and no finding may begin before done, though a detector may look back
// past next for the beginning of its value. A detector that finds a value moves both behind
// it; one that knows that there is none moves next, so that none tries the same bytes again.
type scan struct {
	e        *Engine
	findings findings
	text     []byte // all of the text, of which a window is read at a time
	window

	depth   int  // encodings that have been taken off
	work    int  // bytes that detectors have looked at
	maxWork int  // and how many they may
	blocked bool // the window cannot be examined: drop it
	why     Rule // it cannot, of [Rule]'s last ones
	quoted  bool // all of the text is a JSON value, and so is what stands in for it
}

// window is a part of a text that is read as a text of its own: nothing before
// or behind it plays a part. All offsets but base are into b.
type window struct {
	b           []byte
	base        int   // where b begins in the text
	next        int   // bytes before it have been dealt with
	done        int   // end of the last finding: none begins before it
	triedBase64 int   // bytes before it have been tried as base64 with '+' and '/'
	label       label // the last name that was looked up
	one         bool  // only what is all of it counts
	unquoted    span  // the last value without quotes, the end of which is known
	role        role  // what the name beside the window says
	query       bool  // '+' is a space and '&' separates, as in a query string or a form
	escapes     int   // backslashes before a quote that is written here: 1 in a string of JSON
}

// span is a range of bytes; end is exclusive.
type span struct{ start, end int }

// workPerByte bounds how often a byte of a text may be looked at by all the
// detectors together, decoded texts included. Detectors look back and ahead, so that some
// texts would take time that grows with the square of their length. Ordinary text needs
// less than four looks at a byte; what needs more than this was made to be slow, and is
// dropped.
const workPerByte = 128

// init begins a scan of a text.
func (s *scan) init(e *Engine, text []byte) {
	s.e, s.text, s.b = e, text, text
	s.maxWork = workPerByte*len(text) + 4096
}

// inner returns a scan of a text that a part of this one decodes to, under a
// name with the role r.
func (s *scan) inner(text []byte, r role) scan {
	return scan{
		e: s.e, findings: s.findings, text: text, window: window{b: text, role: r},
		depth: s.depth + 1, work: s.work, maxWork: s.maxWork,
	}
}

// enter makes b[start:end] the window, under a name with the role r, and returns
// the window that leave wants back.
func (s *scan) enter(start, end int, r role) window {
	outer := s.window
	s.window = window{b: s.b[start:end], base: s.base + start, role: r, query: s.query, escapes: s.escapes}
	return outer
}

// leave goes on in the outer window behind its end-th byte. first is how many
// findings there were before b[start:end] was entered; if that was blocked, all of
// it is dropped.
func (s *scan) leave(outer window, first, start, end int) {
	s.window = outer
	if s.blocked {
		s.drop(first, start, end)
		return
	}
	if n := len(s.findings.list); n > first {
		s.done = max(s.done, s.findings.list[n-1].end-s.base)
	}
	s.next = max(s.next, end)
}

// part reads b[start:end] as a window of its own.
func (s *scan) part(start, end int, f Format, r role) {
	if end-start < minText {
		return
	}
	first, outer := len(s.findings.list), s.enter(start, end, r)
	s.read(f)
	s.leave(outer, first, start, end)
}

// adopt takes over what the scan of a decoded text found in b[from:to], its
// offsets being mapped by the buffer that it was decoded into.
func (s *scan) adopt(c *scan, buf *buffer, first, from, to int) {
	s.findings, s.work = c.findings, c.work
	if c.blocked {
		s.why = c.why
		s.drop(first, from, to)
		return
	}
	list := s.findings.list[first:]
	for i := range list {
		list[i].start, list[i].end = s.base+buf.where(list[i].start), s.base+buf.where(list[i].end)
		list[i].quote = buf.encoded(list[i].quote)
		s.done = max(s.done, list[i].end-s.base)
	}
	s.next = max(s.next, to)
}

// run reads the window from s.next on: it classifies a block, and has the detectors visit
// its candidates. The first block with a byte beyond ASCII may show that the window has
// digits of other scripts; then all of it is read again as ASCII, and run ends.
func (s *scan) run() {
	s.spend(len(s.b))
	if s.entities() {
		return
	}
	first, ascii := len(s.findings.list), true
	end := s.base + len(s.b)
	var h history
	var c candidates
	for at := 0; at < len(s.b) && !s.blocked; at += blockSize {
		b, isHigh := blockAt(s.text, s.base+at, end)
		if ascii && isHigh {
			if ascii = false; s.foldASCII(first, at) {
				return
			}
		}
		if h.next(b, &c); c.all != 0 {
			s.visit(at, &c, c.all)
		}
	}
	if s.blocked {
		return
	}
	quoted := !s.one && bytes.IndexByte(s.b, '"') >= 0
	if quoted {
		s.embedded(first)
	}
	n := len(s.findings.list)
	if !s.one {
		s.signless(quoted)
	}
	if len(s.e.patterns) > 0 {
		s.patterns()
	}
	if len(s.e.templates) > 0 {
		s.paths()
	}
	if size := len(s.findings.list); size > n && size > first+1 {
		s.findings.merge(first)
	}
}

// visit calls the detectors for those candidates of the block at base that are in all,
// from left to right. A byte can be a candidate of several kinds: the surest one is tried.
// Candidates before s.next belong to a value that was dealt with, and are left out.
func (s *scan) visit(base int, c *candidates, all uint64) {
	for all != 0 && !s.blocked {
		i := bits.TrailingZeros64(all)
		pos, bit := base+i, uint64(1)<<i
		if pos >= s.next {
			switch {
			case c.shapes&bit != 0 && s.shape(pos):
			case c.marks&bit != 0:
				s.mark(pos)
			case c.ibans&bit != 0 && s.iban(pos-3):
			case c.numbers&bit != 0:
				s.number(pos)
			case c.tokens&bit != 0:
				s.token(pos)
			}
		}
		all &= all - 1 // clears the lowest bit, which is i
		if skip := s.next - base; skip >= blockSize {
			return
		} else if skip > i {
			all &= ^uint64(0) << skip
		}
	}
}

// mark calls the detector that starts from the byte at i.
func (s *scan) mark(i int) {
	switch s.b[i] {
	case '=':
		s.assignment(i)
		if s.next <= i {
			s.quotedPrintable(i)
		}
		if s.next <= i {
			s.padding(i)
		}
	case ':':
		s.assignment(i)
		if s.next <= i {
			s.ipv6(i)
		}
	case '@':
		s.email(i)
	case '%':
		s.percent(i)
	case '\\':
		s.escape(i)
	case 'b', 'B':
		s.scheme(i)
	}
}

// spend counts n more bytes that are looked at, and reports whether they may be; if not,
// the window is blocked. A detector calls it wherever it walks further than a few bytes.
func (s *scan) spend(n int) bool {
	if s.work += n; s.work > s.maxWork {
		s.block(RuleTooCostly)
	}
	return !s.blocked
}

// block says that the window cannot be examined, and why.
func (s *scan) block(why Rule) { s.blocked, s.why = true, why }
