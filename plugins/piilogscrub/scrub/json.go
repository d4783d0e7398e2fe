package scrub

import "bytes"

// maxNesting is how deep the arrays and objects of a JSON text may be nested.
const maxNesting = 64

// json reads the window as a JSON value, and reports whether it is one. What is none, and
// not nested too deep to tell, is left as it was.
func (s *scan) json() bool {
	p, first, query := parser{s: s}, len(s.findings.list), s.query
	s.query = false
	p.value(0, s.role)
	p.blank()
	switch {
	case p.deep:
		s.block(RuleTooDeep)
	case p.bad || p.i != len(s.b):
		s.findings.list, s.next, s.done, s.query = s.findings.list[:first], 0, 0, query
		return false
	}
	return s.spend(len(s.b)) || s.blocked
}

// parser walks over a JSON text (RFC 8259) and has its strings and numbers
// scanned.
type parser struct {
	s    *scan
	i    int
	bad  bool // not JSON
	deep bool // nested too deep
	dry  bool // it is only looked where the JSON text ends, and
	said role // what the names and strings in it would say
}

func (p *parser) blank() {
	for p.i < len(p.s.b) && is(p.s.b[p.i], blank) {
		p.i++
	}
}

// value walks over the value at p.i, which stands under a name with the role r.
func (p *parser) value(depth int, r role) {
	p.blank()
	start := p.i
	switch c := at(p.s.b, p.i); {
	case p.bad:
	case depth > maxNesting:
		p.deep, p.bad = true, true
	case c == '"':
		p.string()
		p.scan(value{start: start + 1, end: p.i - 1, quoted: true}, r)
	case c == '{' || c == '[':
		p.list(depth, r, c == '{')
	default:
		p.literal()
		p.scan(value{start: start, end: p.i, quote: p.s.jsonQuote()}, r)
	}
}

// list walks over the object or array at p.i. Under the name of a field that is
// redacted, all of it is.
func (p *parser) list(depth int, r role, object bool) {
	if r&roleField != 0 && r&roleNever == 0 {
		start := p.i
		p.skip()
		p.redact(value{start: start, end: p.i, quote: p.s.jsonQuote()})
		return
	}
	end := byte(']')
	if object {
		end = '}'
	}
	p.i++
	if p.blank(); at(p.s.b, p.i) == end {
		p.i++
		return
	}
	m := members{outer: r, object: object}
	for !p.bad {
		p.member(depth, &m)
		p.blank()
		c := at(p.s.b, p.i)
		p.i++
		if c == end {
			return
		}
		p.bad = p.bad || c != ','
	}
}

// name walks over a member's name and the ':' and returns the name and its role. A
// name may hold something as well, in an object keyed by e-mail address, say.
func (p *parser) name() (name []byte, r role) {
	p.blank()
	if at(p.s.b, p.i) != '"' {
		p.bad = true
		return nil, 0
	}
	start := p.i + 1
	p.string()
	end := p.i - 1
	p.scan(value{start: start, end: end, quoted: true}, 0)
	if p.blank(); p.bad || at(p.s.b, p.i) != ':' {
		p.bad = true
		return nil, 0
	}
	p.i++
	name = p.s.b[start:end]
	return name, p.roleOf(name)
}

// roleOf returns the role of a name, which may have escapes in it.
func (p *parser) roleOf(name []byte) role {
	if p.dry {
		return 0
	}
	return p.lookup(name)
}

// nameIn returns the role of a string, were it a name.
func (p *parser) nameIn(v value) role {
	name := p.s.b[v.start:v.end]
	if !v.quoted || len(name) > maxTag || bytes.IndexByte(name, '\\') < 0 && !p.s.e.fields.maybe(name, len(name)) {
		return 0
	}
	return p.lookup(name)
}

func (p *parser) lookup(name []byte) role {
	if bytes.IndexByte(name, '\\') < 0 {
		return p.s.e.fields.lookup(name)
	}
	buf := getBuffer()
	defer buf.release()
	buf.json(name, 0)
	return p.s.e.fields.lookup(buf.b)
}

// string walks over the string at p.i.
func (p *parser) string() {
	for p.i++; p.i < len(p.s.b); p.i++ {
		switch p.s.b[p.i] {
		case '\\':
			p.i++
		case '"':
			p.i++
			return
		}
	}
	p.bad = true
}

// literal walks over a number, true, false or null.
func (p *parser) literal() {
	start := p.i
	for p.i < len(p.s.b) && (is(p.s.b[p.i], alnum) || p.s.b[p.i] == '-' || p.s.b[p.i] == '+' || p.s.b[p.i] == '.') {
		p.i++
	}
	switch word := p.s.b[start:p.i]; string(word) {
	case "true", "false", "null":
	default:
		p.bad = p.bad || len(word) == 0 || !isDigit(word[0]) && word[0] != '-' || !isDigit(word[len(word)-1])
	}
}

// skip walks over the array or object at p.i without looking into it.
func (p *parser) skip() {
	end := p.s.bracketEnd(p.i)
	p.bad = p.bad || end == len(p.s.b) && (end == p.i || p.s.b[end-1] != '}' && p.s.b[end-1] != ']')
	p.i = end
}

// scan has a string or literal scanned.
func (p *parser) scan(v value, r role) {
	s := p.s
	if p.bad || v.start >= v.end {
		return
	}
	if p.dry {
		p.said |= p.nameIn(v)
		return
	}
	if r&roleNever == 0 && r&(roleField|roleSecret) != 0 {
		done := s.done
		if s.named(v, r); s.done > done {
			return
		}
	}
	if !v.quoted && !isNatural(s.b[v.start:v.end]) {
		return // a fraction or a negative number is nobody's
	}
	first := len(s.findings.list)
	if bytes.IndexByte(s.b[v.start:v.end], '\\') < 0 {
		p.plain(v, r)
	} else {
		p.unescape(v, r)
	}
	if len(s.findings.list) > first && v.quote != "" {
		p.quote(first, v)
	}
}

// isNatural reports whether a literal is digits only, or as many as a card's and ".0": what
// some programs make of whole numbers.
func isNatural(v []byte) bool {
	n := skipDigits(v, 0)
	return n == len(v) || n >= 13 && string(v[n:]) == ".0"
}

// plain scans a number, or a string that has no escapes in it.
func (p *parser) plain(v value, r role) {
	s, escapes := p.s, p.s.escapes
	if v.quoted {
		s.escapes = 2*escapes + 1
	}
	s.part(v.start, v.end, stringFormat(s.b[v.start:v.end]), r)
	s.escapes = escapes
}

// unescape scans a string that has escapes in it.
func (p *parser) unescape(v value, r role) {
	buf := getBuffer()
	defer buf.release()
	buf.json(p.s.b[v.start:v.end], v.start)
	c, first := p.s.inner(buf.b, r), len(p.s.findings.list)
	c.depth = p.s.depth // an escape in a string is no layer of its own
	c.read(stringFormat(buf.b))
	p.s.adopt(&c, buf, first, v.start, v.end)
}

// quote turns what was found in a number into a string.
func (p *parser) quote(first int, v value) {
	one := &p.s.findings.list[first]
	one.start, one.end, one.quote = p.s.base+v.start, p.s.base+v.end, v.quote
	p.s.findings.list = p.s.findings.list[:first+1]
	p.s.done = v.end
}

func (p *parser) redact(v value) {
	if !p.bad {
		p.s.redactValue(Field, v)
	}
}

// stringFormat returns what a string is read as: a form where it is one, else text.
func stringFormat(b []byte) Format {
	if bytes.IndexByte(b, '=') > 0 && isForm(b) {
		return FormatQuery
	}
	return FormatText
}
