package scrub

import "slices"

// members is what is known of an object's members, or an array's elements, while they are
// walked over: some name each other.
type members struct {
	outer  role // of the name that all of it stands under
	object bool
	n      int   // elements or members so far
	option bool  // the last element was an option, and this one's value is redacted
	label  role  // what the last name among the values says, in an object of a name and a value
	value  value // the value of such an object, whose name has not come yet
}

// member walks over one member of an object or element of an array.
func (p *parser) member(depth int, m *members) {
	if !m.object {
		p.element(depth, m)
		return
	}
	name, r := p.name()
	if p.bad {
		return
	}
	if p.dry {
		p.value(depth+1, 0)
		return
	}
	p.blank()
	start := p.i
	switch m.n++; {
	case r&roleData != 0 && (m.n > 1 || p.hasNext()):
		r |= roleAmong
	case r&roleWhole != 0 && isNumeric(p.s.b[start:p.scalarEnd()]) && p.s.saysMore(value{end: p.scalarEnd()}):
		r = 0
	}
	if r == 0 && m.outer&roleSecret != 0 && m.outer&roleWeak == 0 && (m.outer&roleMembers != 0 || len(name) == 1) && at(p.s.b, start) == '"' && !isPublicMember(name) {
		r = m.outer &^ roleMembers
	}
	switch {
	case r&rolePair != 0:
		p.value(depth+1, r|m.label|m.outer)
		m.value = p.valueFrom(start)
	case at(p.s.b, start) == '"' && isLabelName(name):
		p.labelled(depth, m, r)
	default:
		p.value(depth+1, r)
	}
}

// isPublicMember reports whether a name in an object of secrets is that of what is no secret
// itself, such as the user of a password.
func isPublicMember(name []byte) bool {
	for _, public := range [...]string{
		"name", "id", "type", "kind", "user", "username", "namespace", "version", "engine", "host", "port", "path", "url", "email", "region", "status",
		"state", "description", "created", "updated", "provider", "scope", "account", "role", "database", "dbname",
	} {
		if foldEqual(name, public) {
			return true
		}
	}
	return false
}

// hasNext reports whether another member is behind the string or literal at p.i.
func (p *parser) hasNext() bool {
	end := p.scalarEnd()
	for end < len(p.s.b) && is(p.s.b[end], blank) {
		end++
	}
	return at(p.s.b, end) == ','
}

// scalarEnd returns where the string or literal at p.i ends.
func (p *parser) scalarEnd() int {
	start, bad := p.i, p.bad
	if at(p.s.b, start) == '"' {
		p.string()
	} else {
		p.literal()
	}
	end := min(p.i, len(p.s.b))
	p.i, p.bad = start, bad
	return end
}

// labelled walks over a string that may name another member's value, as in
// {"name":"X-Api-Key","value":"..."}, whichever comes first.
func (p *parser) labelled(depth int, m *members, r role) {
	start := p.i
	if r&roleWeak != 0 {
		at := p.i
		p.string()
		if m.value.end > 0 || p.s.namesNext(value{end: p.i - 1}) {
			r = 0 // "key" says how the value is called, and is no key
		}
		p.i, p.bad = at, false
	}
	p.value(depth+1, r)
	if p.bad {
		return
	}
	m.label = p.roleOf(p.s.b[start+1 : p.i-1])
	if m.value.end > 0 {
		p.late(m.value, m.label)
		m.value = value{} // once: a name that comes again says nothing new
	}
}

// element walks over an element of an array. One that follows the name of a secret, in a
// list of names and values in turn, is that secret, unless it reads like a name itself.
func (p *parser) element(depth int, m *members) {
	if p.blank(); p.dry {
		p.value(depth+1, 0)
		return
	}
	start, r := p.i, m.outer
	isString := at(p.s.b, start) == '"'
	if isString && p.option(start, m) {
		return
	}
	if isString && m.label&roleSecret != 0 && m.label&roleWeak == 0 {
		p.string()
		if v := p.s.b[start+1 : max(p.i-1, start+1)]; !p.bad && len(v) > 0 && isSecretValue(v, m.label) && p.roleOf(v) == 0 {
			r |= m.label
		}
		p.i, p.bad = start, false
	}
	p.value(depth+1, r)
	m.n, m.label = m.n+1, 0
	if !isString || p.bad {
		return
	}
	// Every other element is a name, and so is an option: ["tool","--password","x"].
	if name := p.s.b[start+1 : p.i-1]; (m.n%2 == 1 || at(name, 0) == '-') && !p.s.e.isMarker(name) {
		m.label = p.roleOf(name)
	}
}

// option walks over an element that is an option of one letter with a password, as in
// ["mysql","-px"], or the password of the option before it, and reports whether it is one.
func (p *parser) option(start int, m *members) bool {
	done := p.s.done
	if !m.option && (at(p.s.b, start+1) != '-' || !p.s.shortOption(start+1)) {
		return false
	}
	p.string()
	m.option = !m.option && p.s.done > done && p.s.done > p.i
	m.n, m.label = m.n+1, 0
	return true
}

// valueFrom returns the value that begins at b[start] and that p has walked over.
func (p *parser) valueFrom(start int) value {
	if p.bad {
		return value{}
	}
	if p.s.b[start] == '"' {
		return value{start: start + 1, end: p.i - 1, quoted: true}
	}
	return value{start: start, end: p.i, quote: p.s.jsonQuote()}
}

// late redacts a value that has been read, now that its name is known: what was found in
// it gives way to one finding.
func (p *parser) late(v value, r role) {
	if v.start >= v.end || r&(roleField|roleSecret) == 0 || r&roleNever != 0 {
		return
	}
	s := p.s
	from, to := s.base+v.start, s.base+v.end
	first := len(s.findings.list)
	for first > 0 && s.findings.list[first-1].start >= from {
		first--
	}
	tail := slices.Clone(s.findings.list[first:])
	next, done := s.next, s.done
	s.findings.list, s.done = s.findings.list[:first], v.start
	s.named(v, r)
	if len(s.findings.list) == first {
		s.findings.list = append(s.findings.list, tail...)
	} else {
		s.findings.list = append(s.findings.list, slices.DeleteFunc(tail, func(f finding) bool { return f.start < to })...)
	}
	s.next, s.done = max(next, s.next), max(done, s.done)
}
