package scrub

import "bytes"

const (
	contextBefore = 48 // bytes before a number in which words are looked for
	contextAfter  = 14 // bytes after it, of which the first word counts
)

// nameBefore returns the role of the field's name that stands before a value
// beginning at b[i], or that of the whole text if nothing stands before it.
func (s *scan) nameBefore(i int) role {
	r, _ := s.labelBefore(i)
	return r
}

// labelBefore is nameBefore, and reports whether the value stands in prose, so
// that the words around it count as well.
func (s *scan) labelBefore(i int) (r role, prose bool) {
	j := i
	for size := 1; j > 0 && i-j < 6 && size > 0; j -= size {
		size = leadSize(s.b, j)
	}
	if j == 0 {
		return s.role, true
	}
	switch s.b[j-1] {
	case '=', ':':
		prose := s.b[j-1] == ':' && (is(at(s.b, j), blank) || at(s.b, j) == '\\') && !isQuote(at(s.b, j-2))
		return s.role | s.roleBefore(j-1), prose
	case '/':
		segment := s.segmentEndingAt(j - 1)
		if isSection(segment) {
			return s.role, false
		}
		return s.role | s.fieldRole(segment), false
	}
	return s.role, true
}

// roleBefore returns the role of the name before the separator at b[i]. It is
// asked for by the separator, and again by a value that stands behind it.
func (s *scan) roleBefore(i int) role {
	if s.label.end != i+1 {
		name := s.nameEndingAt(i)
		r := s.fieldRole(name)
		if whole, ok := s.twoWords(nameEnd(s.b, i), len(name)); ok {
			r = whole
		}
		if r&rolePair != 0 {
			r = s.pairRole(i)
		}
		s.label = label{i + 1, r}
	}
	return s.label.role
}

// twoWords returns the role of a name of two words with a blank between them, the last of
// which has size bytes and ends before b[end]: "Session ID", "cache key".
func (s *scan) twoWords(end, size int) (role, bool) {
	const longest = 32 // bytes of the two
	blank := end - size - 1
	if size == 0 || blank < 1 || s.b[blank] != ' ' || !isAlpha(s.b[blank-1]) {
		return 0, false
	}
	start := blank
	for start > 0 && end-start < longest && is(s.b[start-1], alnum) {
		start--
	}
	s.spend(end - start)
	var buf [maxName]byte
	var parts [maxNameParts]int
	key, _ := splitName(s.b[start:end], &buf, &parts)
	r, ok := s.e.fields.roles[string(key)]
	return r, ok
}

// label is the role of a name, and where its separator ends.
type label struct {
	end  int
	role role
}

func (s *scan) fieldRole(name []byte) role {
	if !s.e.fields.maybe(name, len(name)) {
		return 0
	}
	return s.e.fields.lookup(name)
}

// isSection reports whether a segment of a path is the name of a part of a site, which
// says nothing of the segment behind it: "/mobile/8812734".
func isSection(segment []byte) bool {
	switch string(segment) {
	case "mobile", "office", "desk", "cell":
		return true
	}
	return false
}

func isQuote(c byte) bool { return c == '"' || c == '\'' }

// leadSize returns the length of what stands before b[j] between a name's
// separator and its value: one byte, an escape, or nothing.
func leadSize(b []byte, j int) int {
	switch {
	case isLead(b[j-1]):
		return 1
	case isEscaped(b, j-1):
		return 2
	}
	return 0
}

// isLead reports whether c may stand between a name's separator and a value.
func isLead(c byte) bool {
	return is(c, blank) || c == '"' || c == '\'' || c == '(' || c == '\\' || c == '+' || c == '['
}

// isEscaped reports whether b[i] is the letter of an escape that writes a blank.
func isEscaped(b []byte, i int) bool {
	return i > 0 && b[i-1] == '\\' && (b[i] == 'n' || b[i] == 'r' || b[i] == 't')
}

// nameEndingAt returns the name before the separator at b[i], without quotes.
func (s *scan) nameEndingAt(i int) []byte {
	end := nameEnd(s.b, i)
	start := end
	for start > 0 && end-start < maxName && is(s.b[start-1], nameByte) {
		start--
	}
	s.spend(i - start)
	return s.b[start:end]
}

// segmentEndingAt returns the path segment before the '/' at b[i].
func (s *scan) segmentEndingAt(i int) []byte {
	start := i
	for start > 0 && i-start < maxName && is(s.b[start-1], nameByte) {
		start--
	}
	s.spend(i - start)
	return s.b[start:i]
}

// context returns what the name before b[start:end] and, in prose, the words
// around it say of it.
func (s *scan) context(start, end int) role {
	r, prose := s.labelBefore(start)
	if !prose {
		return r
	}
	from, to := max(s.done, start-contextBefore), min(len(s.b), end+contextAfter)
	s.spend(to - from - (end - start))
	from += s.e.lastMarkerEnd(s.b[from:start])
	before, behind := s.proseBefore(from, start), role(0)
	if next := end; !isTab(at(s.b, next)) || at(s.b, next+1) != '[' {
		behind = s.e.words.rolesIn(firstWord(s.b[end:to]))
	}
	if (s.e.words.rolesIn(lastWord(before))|behind)&roleOther != 0 {
		return r
	}
	return r | s.e.words.rolesIn(before) | behind | foreignRole(before)
}

// lastMarkerEnd returns where the last marker in a text ends, 0 if there is none. Its word
// says nothing of what stands behind it: the value that it stands for did not, either.
func (e *Engine) lastMarkerEnd(b []byte) int {
	end := bytes.LastIndexByte(b, ']') + 1
	if start := bytes.LastIndexByte(b[:end], '['); start >= 0 && e.isMarker(b[start:end]) {
		return end
	}
	return 0
}

// lastWord returns b from its last word on.
func lastWord(b []byte) []byte {
	i := len(b)
	for i > 0 && !is(b[i-1], letter) {
		i--
	}
	for i > 0 && is(b[i-1], letter) {
		i--
	}
	return b[i:]
}

// firstWord returns b up to the end of its first word, or nothing if that is the
// name of another value, a part of a path or an address, or in quotes of its own.
func firstWord(b []byte) []byte {
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '"' && isTab(b[i-1]):
			return nil
		case is(b[i-1], letter) && !is(b[i], letter):
			switch c := b[i]; c {
			case '=', ':', '_', '/', '@':
				return nil
			case '-', '.':
				if is(at(b, i+1), alnum) {
					return nil
				}
			}
			return b[:i]
		}
	}
	return b
}

// rolesIn returns the roles of all the words in a text.
func (n *names) rolesIn(b []byte) (r role) {
	for i := 0; i < len(b); {
		if !isAlpha(b[i]) || isEscaped(b, i) {
			i++
			continue
		}
		start := i
		for i < len(b) && isAlpha(b[i]) {
			i++
		}
		if n.maybe(b[start:i], i-start) {
			r |= n.word(b[start:i])
		}
	}
	return r
}

// word returns the role of one word.
func (n *names) word(w []byte) role {
	var buf [16]byte
	if len(w) > len(buf) {
		return 0
	}
	for i, c := range w {
		buf[i] = fold(c)
	}
	return n.roles[string(buf[:len(w)])]
}
