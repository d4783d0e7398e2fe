package scrub

import "bytes"

const maxTag = 512 // bytes of a tag that are looked at

// element is an element of XML or HTML that was opened.
type element struct {
	role  role // what its name, or the name in an attribute, says of its text
	label bool // its text names another element's text
	pair  bool // another element's text names its text
}

// elements redacts the text of elements whose names are those of secrets or of other fields:
// <password>x</password>, <e:Secret Type="t">x</e:Secret>, <entry key="password">x</entry>,
// <name>password</name><value>x</value>.
func (s *scan) elements() {
	var named role // what the text of the last element that names another one says
	var outer element
	for i := 0; ; {
		n := bytes.IndexByte(s.b[i:], '<')
		if n < 0 {
			return
		}
		i += n + 1
		if !isAlpha(at(s.b, i)) && at(s.b, i) != '_' {
			continue
		}
		e, open := s.tag(i)
		if open == 0 {
			continue
		}
		start, end := s.elementText(open)
		i = max(i, open)
		if start == end { // it holds elements, which may be what it is called
			if at(s.b, end) == '<' && at(s.b, end+1) != '/' {
				outer = e
			}
			continue
		}
		i = end
		r := e.role
		switch {
		case e.label:
			if named = s.fieldRole(s.b[start:end]); e.role&roleData != 0 {
				s.named(value{start: start, end: end, quoted: true}, e.role|roleAmong)
			}
			continue
		case e.pair && r == 0:
			r = named | outer.role
		case r == 0:
			r = outer.role
		}
		outer, named = element{}, 0
		if r&(roleField|roleSecret) != 0 && r&roleNever == 0 {
			s.named(value{start: start, end: end, quoted: true}, r|roleAmong)
		}
	}
}

// tag reads the tag the name of which is at b[i:], and returns where its text begins; 0 if
// it has none.
func (s *scan) tag(i int) (e element, open int) {
	limit := min(len(s.b), i+maxTag)
	end := i
	for end < limit && (is(s.b[end], wordByte) || s.b[end] == ':' || s.b[end] == '.') {
		end++
	}
	name := s.b[i:end]
	if n := bytes.LastIndexByte(name, ':'); n >= 0 {
		name = name[n+1:]
	}
	if !s.spend(end - i) {
		return e, 0
	}
	e.role = s.fieldRole(name)
	e.pair = e.role&rolePair != 0 || foldEqual(name, "string")
	e.label = isLabelName(name)
	e.role &^= rolePair
	if at(s.b, end) != '>' {
		if end = s.attributes(end, limit, &e); end == 0 {
			return e, 0
		}
	}
	return e, end + 1
}

// attributes walks over the attributes at b[i:], and returns where the '>' is that ends them;
// 0 if the element is empty, or none.
func (s *scan) attributes(i, limit int, e *element) int {
	var v value // of an attribute that another one may name
	for j := i; j < limit; j++ {
		switch c := s.b[j]; c {
		case '>':
			if s.spend(j - i); v.start < v.end && v.start >= s.done && e.role&(roleField|roleSecret) != 0 && e.role&(roleNever|roleWeak) == 0 {
				s.named(v, e.role)
			}
			if s.b[j-1] == '/' {
				return 0
			}
			return j
		case '<':
			return 0
		case '"', '\'':
			end := bytes.IndexByte(s.b[j+1:limit], c)
			if end < 0 {
				return 0
			}
			s.attribute(value{start: j + 1, end: j + 1 + end, quoted: true}, e, &v)
			j += end + 1
		}
	}
	return 0
}

// attribute looks at the value of an attribute: it may name the element's text or another
// attribute, which is the other one.
func (s *scan) attribute(v value, e *element, other *value) {
	if at(s.b, v.start-2) != '=' {
		return
	}
	name, text := s.nameEndingAt(v.start-2), s.b[v.start:v.end]
	switch {
	case isPairName(name) || foldEqual(name, "content"):
		*other = v
	case e.role == 0 && (isLabelName(name) || foldEqual(name, "type") && foldEqual(text, "password")):
		if e.role = s.fieldRole(text); e.role != 0 {
			e.label = false // it is called "property", and so is what the attribute says
		}
	}
}

const cdata = "<![CDATA["

// elementText returns the bounds of the text at b[i:], up to the next tag, without blanks
// around it.
func (s *scan) elementText(i int) (start, end int) {
	start, _ = trimBlank(s.b, i, min(len(s.b), i+maxTag))
	closing := []byte("<")
	if bytes.HasPrefix(s.b[start:], []byte(cdata)) {
		start, closing = start+len(cdata), []byte("]]>")
	}
	n := bytes.Index(s.b[start:], closing)
	if n < 0 {
		n = len(s.b) - start
	}
	s.spend(n)
	if closing[0] == '<' {
		return trimBlank(s.b, start, start+n)
	}
	return start, start + n
}

// foldEqual reports whether a name is the lower-case word, in any case.
func foldEqual(name []byte, word string) bool {
	return len(name) == len(word) && foldPrefix(name, 0, word)
}
