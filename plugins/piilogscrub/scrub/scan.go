package scrub

import (
	"cmp"
	"math/bits"
	"slices"
)

// hit is a value found in a text.
type hit struct {
	kind       Kind
	quote      bool // the replacement needs quotes to be a JSON value
	start, end int
	from, to   int // the replacement is scan.reps[from:to]
}

// scan is one reading of one text. It lives on the stack of an entry point.
type scan struct {
	e    *Engine
	b    []byte
	hits []hit
	reps []byte // the replacements

	next    int  // bytes before it have been dealt with
	done    int  // end of the last hit: no hit begins before it
	wide    int  // bytes before it have been tried as base64 with '+' and '/'
	plain   span // the last value without quotes, the end of which is known
	role    role // what the name beside the whole text says
	form    bool // '+' is a space and '&' separates, as in a query string
	depth   int  // encodings that have been taken off
	spent   int  // bytes that detectors have looked at
	limit   int  // and how many they may
	blocked bool // the text cannot be examined: drop it
}

// span is a range of bytes; end is exclusive.
type span struct{ start, end int }

// workPerByte bounds how often a byte of a text may be looked at by all the
// detectors together, decoded texts included. Ordinary text needs less than
// four; what needs more than this is made to be slow.
const workPerByte = 128

// run reads the text from s.next on.
func (s *scan) run() {
	s.spend(len(s.b))
	first := len(s.hits)
	var h history
	var tail [blockSize]byte
	for base := 0; base < len(s.b) && !s.blocked; base += blockSize {
		var b block
		if rest := s.b[base:]; len(rest) >= blockSize {
			b = classify((*[blockSize]byte)(rest), blockSize)
		} else {
			copy(tail[:], rest)
			b = classify(&tail, len(rest))
		}
		if c := h.next(b); c.all() != 0 {
			s.visit(base, c)
		}
	}
	if len(s.e.patterns) > 0 && !s.blocked {
		s.patterns()
		s.hits = merge(s.hits, first)
	}
}

// visit calls the detectors for the candidates of the block at base.
func (s *scan) visit(base int, c candidates) {
	all := c.all()
	for all != 0 && !s.blocked {
		i := bits.TrailingZeros64(all)
		pos, bit := base+i, uint64(1)<<i
		if pos >= s.next {
			switch {
			case c.marks&bit != 0:
				s.mark(pos)
			case c.ibans&bit != 0 && s.iban(pos-3):
			case c.numbers&bit != 0:
				s.number(pos)
			case c.tokens&bit != 0:
				s.token(pos)
			}
		}
		all &= all - 1
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

// spend reports whether n more bytes may be looked at; if not, the text takes
// longer than its length justifies, and is blocked.
func (s *scan) spend(n int) bool {
	if s.spent += n; s.spent > s.limit {
		s.blocked = true
	}
	return !s.blocked
}

// emit records b[start:end] as a value of the kind, and goes on behind it.
// It reports whether the bytes are dealt with.
func (s *scan) emit(k Kind, start, end int) bool {
	start = max(start, s.done)
	if start >= end || s.e.actions[k] == Keep {
		return false
	}
	if k != Email && k != Dropped && s.protected(start, end) {
		s.next = max(s.next, end)
		return true
	}
	s.record(hit{kind: k, start: start, end: end}, s.b[start:end])
	return true
}

// record appends a hit with the replacement of its value.
func (s *scan) record(h hit, value []byte) {
	if s.reps == nil {
		s.reps = make([]byte, 0, 64)
	}
	h.from = len(s.reps)
	s.reps = s.e.replacement(s.reps, h.kind, value)
	h.to = len(s.reps)
	s.append(h)
}

// append appends a hit that has its replacement, and goes on behind it.
func (s *scan) append(h hit) {
	if s.hits == nil {
		s.hits = make([]hit, 0, 8)
	}
	s.hits = append(s.hits, h)
	s.done, s.next = h.end, max(s.next, h.end)
}

// protected reports whether the value around b[start:end] stands under a name
// that is never touched, and looks like an identifier.
func (s *scan) protected(start, end int) bool {
	from := start
	for from > s.done && start-from < maxName && isIdentifier(s.b[from-1]) {
		from--
	}
	if s.nameBefore(from)&roleNever == 0 {
		return false
	}
	return isOpaque(s.b[from:end])
}

// isOpaque reports whether all of a value is bytes of identifiers.
func isOpaque(v []byte) bool {
	for _, c := range v {
		if !isIdentifier(c) {
			return false
		}
	}
	return true
}

// isIdentifier reports whether c is a byte of request and trace identifiers.
func isIdentifier(c byte) bool { return is(c, wordByte) || c == '.' || c == '/' || c == '+' }

// child returns a scan of a text found inside of this one.
func (s *scan) child(b []byte, r role) scan {
	return scan{
		e: s.e, b: b, hits: s.hits, reps: s.reps,
		role: r, form: s.form, depth: s.depth, spent: s.spent, limit: s.limit,
	}
}

// adopt takes over what a child found in b[from:to], its offsets being mapped
// by where. A child that was blocked drops the whole of b[from:to].
func (s *scan) adopt(c *scan, first, from, to int, where func(int) int) {
	s.hits, s.reps, s.spent = c.hits, c.reps, c.spent
	if c.blocked {
		s.hits = s.hits[:first]
		s.record(hit{kind: Dropped, start: max(from, s.done), end: to}, nil)
		return
	}
	for i := first; i < len(s.hits); i++ {
		s.hits[i].start, s.hits[i].end = where(s.hits[i].start), where(s.hits[i].end)
		s.done = max(s.done, s.hits[i].end)
	}
	s.next = max(s.next, to)
}

// patterns runs the policy's own detectors over the whole text.
func (s *scan) patterns() {
	for i := range s.e.patterns {
		p := &s.e.patterns[i]
		if p.keywords != nil && !p.keywords.Match(s.b) {
			continue
		}
		for from := 0; from < len(s.b); {
			loc := p.re.FindIndex(s.b[from:])
			if loc == nil || loc[1] == 0 {
				break
			}
			s.record(hit{kind: Custom, start: from + loc[0], end: from + loc[1]}, s.b[from+loc[0]:from+loc[1]])
			from += loc[1]
		}
	}
}

// merge sorts hits[first:] and joins those that overlap into one, of the kind
// of the longest.
func merge(hits []hit, first int) []hit {
	list := hits[first:]
	slices.SortStableFunc(list, func(a, b hit) int { return cmp.Compare(a.start, b.start) })
	out := hits[:first]
	for _, h := range list {
		if n := len(out); n > first && h.start < out[n-1].end {
			out[n-1] = join(out[n-1], h)
			continue
		}
		out = append(out, h)
	}
	return out
}

func join(a, b hit) hit {
	start, end := min(a.start, b.start), max(a.end, b.end)
	if b.end-b.start > a.end-a.start {
		a = b
	}
	a.start, a.end = start, end
	return a
}

// appendTo appends the text with every hit replaced.
func (s *scan) appendTo(dst []byte) []byte {
	if s.blocked {
		return append(dst, markers[Dropped]...)
	}
	from := 0
	for _, h := range s.hits {
		dst = append(dst, s.b[from:h.start]...)
		dst = s.appendReplacement(dst, h)
		from = h.end
	}
	return append(dst, s.b[from:]...)
}

func (s *scan) appendReplacement(dst []byte, h hit) []byte {
	switch {
	case !h.quote:
		return append(dst, s.reps[h.from:h.to]...)
	case h.from == h.to:
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = append(dst, s.reps[h.from:h.to]...)
	return append(dst, '"')
}
