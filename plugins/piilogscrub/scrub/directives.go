package scrub

import "bytes"

// directive is a word behind which a secret stands, with nothing but blanks between the two.
type directive struct {
	word   string // in the case that it is written in, or in lower case for any
	before string // the word before it, in any case, "" for any
	skip   int    // words between it and the secret
	named  bool   // the word before the secret has to be a secret's name
	quoted bool   // it has to be in quotes, as in Redis' MONITOR
}

// directives are those of configurations, of commands and of protocols.
var directives = []directive{
	{word: "requirepass"}, {word: "masterauth"}, {word: "rootpw"}, {word: "bindpw"}, {word: "wpa-psk"},
	{word: "setx", skip: 1, named: true}, {word: "ENV", skip: 1, named: true},
	{word: "set", before: "configure", skip: 1, named: true}, {word: "set", before: "config", skip: 1, named: true},
	{word: "add_user", skip: 1}, {word: "change_password", skip: 1}, {word: "user", before: "net", skip: 1}, {word: "login", before: "vault"},
	{word: "PLAIN", before: "auth"}, {word: "PLAIN", before: "authenticate"}, {word: "password", before: "root"},
	{word: "AUTH", quoted: true},
}

// directiveEnds has the last two bytes of each directive's word, in lower case.
var directiveEnds = func() (ends [1 << 10]bool) {
	for _, d := range directives {
		ends[pairNumber(d.word[len(d.word)-2], d.word[len(d.word)-1])] = true
	}
	return ends
}()

func pairNumber(a, b byte) int { return int(a&31)<<5 | int(b&31) }

// directives redacts what stands behind words such as requirepass.
func (s *scan) directives() {
	for i := 0; ; i++ {
		n := bytes.IndexByte(s.b[i:], ' ')
		if n < 0 {
			return
		}
		i += n
		end := i
		if at(s.b, i-1) == '"' {
			end--
		}
		if end < 2 || !directiveEnds[pairNumber(s.b[end-2], s.b[end-1])] {
			continue
		}
		s.directive(i, end)
		i = max(i, s.done-1)
	}
}

// directive looks at the word before b[end], behind which a blank is at b[i].
func (s *scan) directive(i, end int) {
	start := end
	for start > 0 && end-start < maxOption && is(s.b[start-1], wordByte) {
		start--
	}
	s.spend(end - start)
	for _, d := range directives {
		if !d.is(s.b[start:end]) || d.quoted && end == i || d.skip > 0 && end < i || d.before != "" && !wordEndsAt(s.b, start-1, d.before) {
			continue
		}
		v, ok := s.behindDirective(i, d, end < i)
		if ok && v.start < v.end && v.start >= s.done && !s.e.isMarker(s.b[v.start:v.end]) {
			s.redactBy(RuleOption, Field, v)
			return
		}
	}
}

func (d *directive) is(word []byte) bool {
	if d.word[len(d.word)-1] < 'a' {
		return string(word) == d.word
	}
	return foldEqual(word, d.word)
}

// behindDirective returns the secret behind the directive that ends before the blank at b[i].
// If that is in quotes, so is the secret.
func (s *scan) behindDirective(i int, d directive, quoted bool) (value, bool) {
	v := s.nextWord(i)
	for range d.skip {
		name := s.b[v.start:v.end]
		if r := s.fieldRole(name[bytes.LastIndexByte(name, ':')+1:]); d.named && r&(roleField|roleSecret) == 0 || r&roleNever != 0 {
			return v, false
		}
		v = s.nextWord(v.end)
	}
	if d.quoted && at(s.b, v.end+1) == ' ' && at(s.b, v.end+2) == '"' {
		v = s.nextWord(v.end + 1) // "AUTH" "user" "x"
	}
	return v, v.start < v.end && (v.quoted || !quoted && isDirectiveValue(s.b[v.start:v.end]))
}

// isDirectiveValue reports whether a word without quotes may be a secret, and is no option,
// no assignment and no plain word.
func isDirectiveValue(v []byte) bool {
	return v[0] != '-' && v[0] != '/' && v[0] != '=' && bytes.IndexByte(v, '=') < 0 && isSecretValue(v, roleSecret)
}
