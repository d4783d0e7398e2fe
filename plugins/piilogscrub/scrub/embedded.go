package scrub

import (
	"bytes"
	"slices"
)

// maxBroken is how many texts that begin like JSON and are none are walked over in a window.
const maxBroken = 4

// embedded reads the objects and arrays of JSON that stand in the window, as in
// `body: {"a":1}`, by the rules of JSON, which know more of names and values than those of
// text. What these found there, behind the first findings, is forgotten.
func (s *scan) embedded(first int) {
	next, done := s.next, s.done
	var found []finding // what is not yet in the list again
	began := false
	for i, broken := 0, 0; broken < maxBroken && !s.blocked; {
		n := bytes.IndexByte(s.b[i:], '"')
		if n < 0 {
			break
		}
		start := s.openBefore(i+n, i)
		if i += n + 1; start < 0 {
			continue
		}
		end, said := s.jsonEnd(start)
		if end == 0 {
			broken++
			continue
		}
		if i = end; start == 0 && end == len(s.b) {
			break // it was read as JSON before
		}
		if said&(roleField|roleSecret) == 0 && s.nameBefore(start)&roleSecret == 0 {
			continue // the rules of text find as much
		}
		if !began {
			began, found = true, slices.Clone(s.findings.list[first:])
			s.findings.list = s.findings.list[:first]
		}
		found = s.object(start, end, found)
	}
	s.findings.list = append(s.findings.list, found...)
	s.next, s.done = max(s.next, next), max(s.done, done)
}

// openBefore returns where the '{' or '[' is before the quote at b[i] that may begin JSON, -1
// if there is none behind floor.
func (s *scan) openBefore(i, floor int) int {
	for i > floor && is(s.b[i-1], blank) {
		i--
	}
	start := i
	for start > floor && (s.b[start-1] == '{' || s.b[start-1] == '[') && i-start < maxOpen {
		start--
	}
	if start == i {
		return -1
	}
	return start
}

const maxOpen = 4 // brackets that open at once: "[[{"

// jsonEnd returns where the JSON value ends that begins at b[i], 0 if it is none, and what
// its names and strings say of others.
func (s *scan) jsonEnd(i int) (end int, said role) {
	p := parser{s: s, i: i, dry: true}
	p.value(0, 0)
	if !s.spend(p.i-i) || p.bad {
		return 0, 0
	}
	return p.i, p.said
}

// object reads b[start:end] as JSON in place of what was found there by the rules of text,
// unless that is a part of more. It returns the rest of what was found.
func (s *scan) object(start, end int, found []finding) []finding {
	from, to := s.base+start, s.base+end
	for len(found) > 0 && found[0].end <= from {
		s.findings.list, found = append(s.findings.list, found[0]), found[1:]
	}
	n := 0
	for n < len(found) && found[n].start < to {
		if f := found[n]; f.start < from || f.end > to || f.start == from && f.end == to {
			return found
		}
		n++
	}
	first := len(s.findings.list)
	s.done = start
	outer := s.enter(start, end, s.nameBefore(start))
	p := parser{s: s}
	p.value(0, s.role)
	s.leave(outer, first, start, end)
	return found[n:]
}
