package scrub

import "bytes"

// maxEntity is the length of the longest reference that is read, without its '&'.
const maxEntity = 10

// entities reads the window with its character references (HTML 5, 13.5) as what they
// stand for, and reports whether there are any: "zed&#64;ex.org", "4111&nbsp;1111",
// "&lt;password&gt;". In a query a '&' separates, and only numbers are references.
func (s *scan) entities() bool {
	first := s.firstEntity()
	if first < 0 {
		return false
	}
	if s.depth >= s.e.maxDepth {
		return s.emit(Dropped, 0, len(s.b))
	}
	buf := getBuffer()
	defer buf.release()
	buf.entities(s.b, first, s.query)
	n := len(s.findings.list)
	c := s.inner(buf.b, s.role)
	c.query = s.query
	if s.spend(len(s.b)) {
		c.work = s.work
		c.run()
	}
	s.adopt(&c, buf, n, 0, len(s.b))
	return true
}

// firstEntity returns where the first reference of the window is, or -1.
func (s *scan) firstEntity() int {
	for i := 0; ; i++ {
		n := bytes.IndexByte(s.b[i:], '&')
		if n < 0 {
			return -1
		}
		i += n
		if _, size := entityAt(s.b, i, s.query); size > 0 {
			return i
		}
	}
}

// entities copies src, from its i-th byte on with every reference as what it stands for.
func (d *buffer) entities(src []byte, i int, query bool) {
	d.reset()
	if bytes.IndexByte(src, '"') < 0 {
		d.encode = inMarkup
	}
	for k, c := range src[:i] {
		d.put(c, k)
	}
	for i < len(src) {
		if r, size := entityAt(src, i, query); size > 0 {
			d.putRune(r, i)
			i += size
			continue
		}
		d.put(src[i], i)
		i++
	}
	d.at = append(d.at, int32(len(src)))
}

// entityAt returns the character that the reference at b[i] stands for, and the length of
// that; 0 if there is none.
func entityAt(b []byte, i int, query bool) (r rune, size int) {
	if b[i] != '&' {
		return 0, 0
	}
	rest := b[i+1 : min(len(b), i+1+maxEntity)]
	n := bytes.IndexByte(rest, ';')
	if n < 2 {
		return 0, 0
	}
	name := rest[:n]
	if name[0] == '#' {
		r = referenceNumber(name[1:])
	} else if !query {
		r = namedEntities[string(name)]
	}
	if r == 0 {
		return 0, 0
	}
	return r, n + 2
}

// referenceNumber returns the character of a number such as "64" and "x40", 0 if it is none.
func referenceNumber(digits []byte) (r rune) {
	base := rune(10)
	if digits[0]|0x20 == 'x' {
		base, digits = 16, digits[1:]
	}
	for _, c := range digits {
		v := rune(hexValue(c))
		if v < 0 || v >= base {
			return 0
		}
		if r = r*base + v; r > '\U0010ffff' {
			return 0
		}
	}
	if r == '\u00a0' {
		return ' '
	}
	return r
}

// namedEntities are the references by name that stand for what values are made of.
var namedEntities = map[string]rune{
	"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\'', "nbsp": ' ', "ensp": ' ', "emsp": ' ', "thinsp": ' ',
	"commat": '@', "period": '.', "colon": ':', "equals": '=', "sol": '/', "plus": '+', "lpar": '(', "rpar": ')',
	"hyphen": '-', "dash": '-', "ndash": '-', "mdash": '-', "minus": '-', "lowbar": '_', "comma": ',', "semi": ';',
	"num": '#', "Tab": '\t', "NewLine": '\n', "shy": '-', "dollar": '$', "percnt": '%', "excl": '!', "vert": '|',
}

// quotedPrintable looks at the '=' at b[i]: an address in which "=40" is the '@' (RFC 2045,
// 6.7).
func (s *scan) quotedPrintable(i int) {
	if at(s.b, i+1) != '4' || at(s.b, i+2) != '0' || s.query || !is(at(s.b, i+3), letter) {
		return
	}
	if end := domainEnd(s.b, i+3); end > 0 {
		if start := s.localStart(i); start < i {
			s.emit(Email, start, end)
		}
	}
}
