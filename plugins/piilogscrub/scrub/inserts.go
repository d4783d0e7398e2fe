package scrub

import "bytes"

// maxColumns is how many columns of an INSERT are looked at.
const maxColumns = 64

// inserts redacts the values of columns with secrets' names: INSERT INTO users (name,
// password) VALUES ('a', 'x').
func (s *scan) inserts() {
	if bytes.IndexByte(s.b, '(') < 0 {
		return
	}
	for i := 0; ; {
		n := bytes.IndexByte(s.b[i:], ')')
		if n < 0 {
			return
		}
		i += n + 1
		j := s.behindBlanks(i)
		if !foldPrefix(s.b, j, "values") {
			continue
		}
		j = s.behindBlanks(j + len("values"))
		if columns, any := s.columns(i - 1); any {
			for at(s.b, j) == '(' {
				j = s.behindBlanks(s.tuple(j+1, &columns))
				if at(s.b, j) == ',' {
					j = s.behindBlanks(j + 1)
				}
			}
		}
		i = max(i, min(j, len(s.b)))
	}
}

func (s *scan) behindBlanks(i int) int {
	for i < len(s.b) && (is(s.b[i], blank) || s.query && s.b[i] == '+') {
		i++
	}
	return i
}

// columns returns the roles of the columns in the list that ends with the ')' at b[i].
func (s *scan) columns(i int) (roles [maxColumns]role, any bool) {
	open := bytes.LastIndexByte(s.b[max(0, i-maxTag):i], '(')
	if open < 0 {
		return roles, false
	}
	open += max(0, i-maxTag) + 1
	s.spend(i - open)
	for n := 0; n < maxColumns && open <= i; n++ {
		end := i
		if comma := bytes.IndexByte(s.b[open:i], ','); comma >= 0 {
			end = open + comma
		}
		r := s.fieldRole(bytes.Trim(s.b[open:end], " \t\n\r+\\\"`[]'"))
		if r&(roleField|roleSecret) != 0 && r&(roleNever|roleWeak) == 0 {
			roles[n], any = r, true
		}
		open = end + 1
	}
	return roles, any
}

// tuple walks over the values at b[i:], redacts those in columns with a role, and returns
// what is behind the ')' that ends them.
func (s *scan) tuple(i int, columns *[maxColumns]role) int {
	first := i
	for n, depth := 0, 0; i < len(s.b); i++ {
		switch c := s.b[i]; c {
		case '\'', '"':
			v := value{start: i + 1, end: s.sqlQuoteEnd(i + 1), quoted: true}
			if c == '"' {
				v.end = s.quoteEnd(i, 0)
			}
			if r := columns[min(n, maxColumns-1)]; r != 0 && v.start < v.end && v.start >= s.done {
				s.named(v, r)
			}
			i = v.end
		case '(':
			depth++
		case ',':
			if depth == 0 {
				n++
			}
		case ')':
			if depth--; depth < 0 {
				s.spend(i - first)
				return i + 1
			}
		}
	}
	s.spend(i - first)
	return len(s.b)
}
