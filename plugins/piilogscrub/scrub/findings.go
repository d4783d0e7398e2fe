package scrub

import (
	"cmp"
	"slices"
	"sync"
)

// hit is a value found in a text.
type hit struct {
	kind       Kind
	quote      bool // the replacement needs quotes to be a JSON value
	start, end int  // in the text, not in the window
	from, to   int  // the replacement is found.reps[from:to]
}

// found is what the scans of one text have found. It has no memory of its own
// before the first hit.
type found struct {
	hits  []hit
	reps  []byte // the replacements
	spare *spare // where the memory came from
}

// spare is memory for what is found in the next text.
type spare struct {
	hits []hit
	reps []byte
}

var spares = sync.Pool{New: func() any { return &spare{make([]hit, 0, 16), make([]byte, 0, 256)} }}

// maxSpare is how many hits the memory that is kept has room for.
const maxSpare = 1 << 10

func (f *found) borrow() {
	if f.spare == nil {
		f.spare = spares.Get().(*spare)
		f.hits, f.reps = f.spare.hits[:0], f.spare.reps[:0]
	}
}

func (f *found) giveBack() {
	if f.spare != nil && cap(f.hits) <= maxSpare {
		f.spare.hits, f.spare.reps = f.hits, f.reps
		spares.Put(f.spare)
	}
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

// record appends a hit in the window, with the replacement of its value.
func (s *scan) record(h hit, value []byte) {
	f := &s.found
	f.borrow()
	h.from = len(f.reps)
	f.reps = s.e.replacement(f.reps, h.kind, value)
	h.to = len(f.reps)
	s.append(h)
}

// append appends a hit in the window that has its replacement, and goes on
// behind it.
func (s *scan) append(h hit) {
	s.done, s.next = h.end, max(s.next, h.end)
	h.start, h.end = s.base+h.start, s.base+h.end
	s.found.hits = append(s.found.hits, h)
}

// drop forgets all hits but the first ones, and drops b[start:end].
func (s *scan) drop(first, start, end int) {
	s.blocked = false
	s.found.hits = s.found.hits[:first]
	s.record(hit{kind: Dropped, start: max(start, s.done), end: end}, nil)
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
func (f *found) merge(first int) {
	list := f.hits[first:]
	slices.SortStableFunc(list, func(a, b hit) int { return cmp.Compare(a.start, b.start) })
	out := f.hits[:first]
	for _, h := range list {
		if n := len(out); n > first && h.start < out[n-1].end {
			out[n-1] = join(out[n-1], h)
			continue
		}
		out = append(out, h)
	}
	f.hits = out
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
	for _, h := range s.found.hits {
		dst = append(dst, s.text[from:h.start]...)
		dst = s.appendReplacement(dst, h)
		from = h.end
	}
	return append(dst, s.text[from:]...)
}

func (s *scan) appendReplacement(dst []byte, h hit) []byte {
	switch {
	case !h.quote:
		return append(dst, s.found.reps[h.from:h.to]...)
	case h.from == h.to:
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = append(dst, s.found.reps[h.from:h.to]...)
	return append(dst, '"')
}
