package scrub

import (
	"cmp"
	"slices"
	"sync"
)

// finding is a [Finding] while a text is scanned, and what stands in for the value.
type finding struct {
	kind       Kind
	rule       Rule
	quote      string // what the replacement stands between to be a JSON value, \" in a string of JSON, say; mostly nothing
	pattern    uint16 // which one it is, of [RulePattern]
	start, end int    // in the text, not in the window
	from, to   int    // the replacement is findings.replacements[from:to]
}

// findings are those of the scans of one text. They have no memory of their own before
// the first one: most texts have none.
type findings struct {
	list         []finding
	replacements []byte
	scratch      *scratch // where the memory came from
}

// scratch is memory that the next text with a finding uses again.
type scratch struct {
	list         []finding
	replacements []byte
}

var scratches = sync.Pool{New: func() any { return &scratch{make([]finding, 0, 16), make([]byte, 0, 256)} }}

// maxScratch bounds the memory that is kept, in findings.
const maxScratch = 1 << 10

func (f *findings) acquire() {
	if f.scratch == nil {
		f.scratch = scratches.Get().(*scratch)
		f.list, f.replacements = f.scratch.list[:0], f.scratch.replacements[:0]
	}
}

func (f *findings) release() {
	if f.scratch != nil && cap(f.list) <= maxScratch {
		f.scratch.list, f.scratch.replacements = f.list, f.replacements
		scratches.Put(f.scratch)
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
	s.record(finding{kind: k, start: start, end: end, quote: s.memberQuote(start, end)}, s.b[start:end])
	return true
}

// record appends a finding in the window, with the replacement of its value.
func (s *scan) record(one finding, value []byte) {
	f := &s.findings
	f.acquire()
	one.from = len(f.replacements)
	f.replacements = s.e.replacement(f.replacements, one.kind, value)
	one.to = len(f.replacements)
	s.append(one)
}

// append appends a finding in the window that has its replacement, and goes on
// behind it.
func (s *scan) append(one finding) {
	s.done, s.next = one.end, max(s.next, one.end)
	one.start, one.end = s.base+one.start, s.base+one.end
	s.findings.list = append(s.findings.list, one)
}

// drop forgets all findings but the first ones, and drops b[start:end].
func (s *scan) drop(first, start, end int) {
	s.blocked = false
	s.findings.list = s.findings.list[:first]
	s.record(finding{kind: Dropped, rule: s.why, start: max(start, s.done), end: end}, nil)
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
			s.record(finding{kind: Custom, rule: RulePattern, pattern: uint16(i), start: from + loc[0], end: from + loc[1]}, s.b[from+loc[0]:from+loc[1]])
			from += loc[1]
		}
	}
}

// merge sorts list[first:] and joins those that overlap into one, of the kind
// of the longest.
func (f *findings) merge(first int) {
	list := f.list[first:]
	slices.SortStableFunc(list, func(a, b finding) int { return cmp.Compare(a.start, b.start) })
	out := f.list[:first]
	for _, one := range list {
		if n := len(out); n > first && one.start < out[n-1].end {
			out[n-1] = join(out[n-1], one)
			continue
		}
		out = append(out, one)
	}
	f.list = out
}

func join(a, b finding) finding {
	start, end := min(a.start, b.start), max(a.end, b.end)
	if b.end-b.start > a.end-a.start {
		a = b
	}
	a.start, a.end = start, end
	return a
}

// appendTo appends the text with every finding replaced.
func (s *scan) appendTo(dst []byte) []byte {
	if s.blocked {
		return appendDropped(dst, s.quoted)
	}
	from := 0
	for _, one := range s.findings.list {
		dst = append(dst, s.text[from:one.start]...)
		dst = s.appendReplacement(dst, one)
		from = one.end
	}
	return append(dst, s.text[from:]...)
}

// appendDropped appends what stands in for a text that could not be examined: a string,
// where the text is a JSON value.
func appendDropped(dst []byte, quoted bool) []byte {
	if quoted {
		return append(dst, `"[dropped]"`...)
	}
	return append(dst, markers[Dropped]...)
}

func (s *scan) appendReplacement(dst []byte, one finding) []byte {
	if one.quote != "" && one.from == one.to {
		return append(dst, "null"...)
	}
	dst = append(dst, one.quote...)
	dst = append(dst, s.findings.replacements[one.from:one.to]...)
	return append(dst, one.quote...)
}
