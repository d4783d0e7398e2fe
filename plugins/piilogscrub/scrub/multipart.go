package scrub

import "bytes"

// parts redacts the bodies of a form's parts with secrets' names (RFC 7578): what stands
// behind name="password" and an empty line, up to the end of the next line.
func (s *scan) parts() {
	mark := []byte("form-data;")
	for i := 0; ; {
		n := bytes.Index(s.b[i:], mark)
		if n < 0 {
			return
		}
		i += n + len(mark)
		head := s.b[i:min(len(s.b), i+maxTag)]
		at := bytes.Index(head, []byte("name="))
		if at < 0 {
			continue
		}
		start := i + at + len("name=")
		for start < len(s.b) && (s.b[start] == '\\' || isQuote(s.b[start])) {
			start++
		}
		end := start
		for end < len(s.b) && end-start < maxName && is(s.b[end], nameByte) {
			end++
		}
		r := s.fieldRole(s.b[start:end])
		if s.spend(end - i); r&(roleField|roleSecret) != 0 && r&roleNever == 0 {
			s.partBody(end, r)
		}
	}
}

// partBody redacts the line behind the headers of a part that go on at b[i:].
func (s *scan) partBody(i int, r role) {
	rest := s.b[i:min(len(s.b), i+maxTag)]
	for _, newline := range [...]string{"\r\n", `\r\n`, "\n", `\n`} {
		n := bytes.Index(rest, []byte(newline+newline))
		if n < 0 {
			continue
		}
		v := value{start: i + n + 2*len(newline), end: len(s.b), quoted: true}
		if n := bytes.Index(s.b[v.start:], []byte(newline)); n >= 0 {
			v.end = v.start + n
		}
		if s.spend(v.end-v.start) && v.start < v.end && v.start >= s.done {
			s.named(v, r)
		}
		return
	}
}
