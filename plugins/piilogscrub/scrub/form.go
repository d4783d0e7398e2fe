package scrub

import "strings"

// A form says how a number is written, a character for each byte:
//
//	X  a digit            N  a digit from 2 to 9      A  a letter
//	~  a separator: one of " -./", perhaps with a parenthesis before or behind
//	_  a separator, or nothing
//
// Any other character stands for itself; a space may be a '+' in query strings.
// Letters and digits, those that stand for themselves included, are gathered.
type form string

const maxForm = 24 // letters and digits of the longest form

// lead returns how many digits the form begins with.
func (f form) lead() int {
	n := 0
	for n < len(f) && (f[n] == 'X' || f[n] == 'N' || isDigit(f[n])) {
		n++
	}
	return n
}

// shape is a form, and what is asked of it first.
type shape struct {
	form
	digits int  // digits that it begins with
	any    bool // they may be any
}

func newShape(f form) shape {
	n := f.lead()
	return shape{form: f, digits: n, any: strings.Count(string(f[:n]), "X") == n}
}

// match is [form.match] where b[i:] is known to begin with as many digits as the
// form does, and not one more.
func (s *shape) match(b []byte, i int, plus bool, g *gathered) (end int) {
	switch c := at(b, i+s.digits); {
	case s.digits == len(s.form):
		if goesOn(b, i+s.digits, false) {
			return 0
		}
	case s.form[s.digits] != '~' && s.form[s.digits] != '_' && !fits(c, s.form[s.digits], plus):
		return 0
	}
	if s.any && s.digits == len(s.form) {
		copy(g[:], b[i:i+s.digits])
		return i + s.digits
	}
	return s.form.match(b, i, plus, g)
}

// gathered holds the letters, in upper case, and digits that a form matched.
type gathered [maxForm]byte

// match reads b[i:], gathers its letters and digits, and returns where the form
// ends; 0 if b[i:] has not the form, or goes on behind it.
func (f form) match(b []byte, i int, plus bool, g *gathered) (end int) {
	n := 0
	for k := range len(f) {
		c := at(b, i)
		switch want := f[k]; want {
		case '~', '_':
			size := separatorSize(b, i, plus)
			if size == 0 && want == '~' {
				return 0
			}
			i += size
			continue
		default:
			if !fits(c, want, plus) {
				return 0
			}
		}
		if is(c, alnum) {
			g[n] = c
			if is(c, letter) {
				g[n] &^= 0x20
			}
			n++
		}
		i++
	}
	if goesOn(b, i, strings.ContainsAny(string(f), "/~_")) {
		return 0
	}
	return i
}

func fits(c, want byte, plus bool) bool {
	switch want {
	case 'X':
		return isDigit(c)
	case 'N':
		return isDigit(c) && c >= '2'
	case 'A':
		return is(c, letter)
	case ' ':
		return c == ' ' || plus && c == '+'
	}
	return c == want
}

// separatorSize returns the length of the separator at b[i], 0 if there is none.
func separatorSize(b []byte, i int, plus bool) int {
	c, d := at(b, i), at(b, i+1)
	if i >= len(b) || c != ')' && c != '(' && !isSeparator(c, plus) {
		return 0
	}
	if c == ')' && isSeparator(d, plus) || c != ')' && d == '(' {
		return 2
	}
	return 1
}

// goesOn reports whether the number that ends at b[i] has more to it: a letter
// or digit that begins no extension, or another group behind a '-' or '.', or
// behind a '/' if there are slashes within such numbers.
func goesOn(b []byte, i int, slashes bool) bool {
	c := at(b, i)
	return is(c, alnum) && !isExtension(b, i) || (c == '-' || c == '.' || slashes && c == '/') && isDigit(at(b, i+1))
}
