package scrub

import (
	"unicode"
	"unicode/utf8"
)

// foldASCII reads the window with other scripts' digits, spaces and dashes as ASCII's
// (ASCII folding), and reports whether there are any from b[at] on: "４１１１" is as good a
// card number as "4111" to whoever reads the log. Findings behind the first ones are
// found again.
func (s *scan) foldASCII(first, at int) bool {
	i := firstFoldable(s.b, at)
	if i < 0 {
		return false
	}
	buf := getBuffer()
	defer buf.release()
	buf.foldASCII(s.b, i)
	s.findings.list, s.done = s.findings.list[:first], 0
	c := s.inner(buf.b, s.role)
	c.depth, c.query = s.depth, s.query
	if s.spend(len(s.b)) {
		c.run()
	}
	s.adopt(&c, buf, first, 0, len(s.b))
	return true
}

// firstFoldable returns where the first character from b[i] on is that asciiOf
// knows, or -1.
func firstFoldable(b []byte, i int) int {
	for i < len(b) {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if _, ok := asciiOf(r); ok {
			return i
		}
		i += size
	}
	return -1
}

// foldASCII copies src, from its i-th byte on with every character in ASCII that
// asciiOf knows.
func (d *buffer) foldASCII(src []byte, i int) {
	d.reset()
	for k, c := range src[:i] {
		d.put(c, k)
	}
	for i < len(src) {
		r, size := utf8.DecodeRune(src[i:])
		c, ok := asciiOf(r)
		switch {
		case r < utf8.RuneSelf || !ok:
			for k := range size {
				d.put(src[i+k], i+k)
			}
		case c != 0:
			d.put(c, i)
		}
		i += size
	}
	d.at = append(d.at, int32(len(src)))
}

// The forms of ASCII that are as wide as a Chinese character.
const firstWide, lastWide = '！', '～'

// asciiOf returns what a character is in ASCII: a decimal digit of any script, a
// space, a dash, or a wide form. It is 0 for a character without width.
func asciiOf(r rune) (c byte, ok bool) {
	switch {
	case r < utf8.RuneSelf || r == utf8.RuneError:
		return 0, false
	case r >= firstWide && r <= lastWide:
		return byte(r - firstWide + '!'), true
	case unicode.Is(unicode.Zs, r):
		return ' ', true
	case unicode.Is(unicode.Pd, r) || r == '−':
		return '-', true
	case r == '\u00ad' || r >= '\u200b' && r <= '\u200d' || r == '\u2060' || r == '\ufeff':
		return 0, true
	case unicode.Is(unicode.Nd, r):
		return digitOf(r), true
	}
	return 0, false
}

// digitOf returns the value of a decimal digit. Unicode has them in tens, each
// from zero on.
func digitOf(r rune) byte {
	for _, t := range unicode.Nd.R16 {
		if r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10)
		}
	}
	return '0'
}
