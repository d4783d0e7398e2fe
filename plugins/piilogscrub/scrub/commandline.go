package scrub

import "bytes"

const (
	maxCommand = 128 // bytes before an option in which its command is looked for
	maxOption  = 48  // bytes of an option's name
)

// shortOption is an option of one letter behind which a command has a password.
type shortOption struct {
	letter  byte
	glued   bool // the password is glued to it
	spaced  bool // the password is the next word
	pair    bool // it is a user and a password, with a colon between them
	skip    int  // words between the option and the password
	command []string
}

var shortOptions = []shortOption{
	{letter: 'u', glued: true, spaced: true, pair: true, command: []string{"curl", "http", "https", "xh", "httpie", "wrk"}},
	{letter: 'U', glued: true, spaced: true, pair: true, command: []string{"curl"}},
	{letter: 'a', glued: true, spaced: true, pair: true, command: []string{"http", "https", "xh", "httpie"}},
	{letter: 'p', glued: true, command: []string{"mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck", "mariadb", "mariadb-dump", "mariadb-admin", "mycli", "7z", "7za", "rar", "unrar"}},
	{letter: 'p', glued: true, spaced: true, command: []string{"sshpass", "mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport", "plink", "pscp", "rabbitmqadmin", "ipmitool"}},
	{letter: 'p', spaced: true, command: []string{"login", "twine"}},
	{letter: 'P', glued: true, spaced: true, command: []string{"sqlcmd", "bcp", "zip", "unzip", "ipmitool"}},
	{letter: 'a', spaced: true, command: []string{"redis-cli", "valkey-cli"}},
	{letter: 'w', glued: true, spaced: true, command: []string{"ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd", "ldapwhoami"}},
	{letter: 'b', spaced: true, skip: 2, command: []string{"htpasswd"}},
}

// options redacts the values of options on command lines: --password x, -token x, curl -u
// user:x, mysql -px.
func (s *scan) options() {
	for i := 0; i < len(s.b); i++ {
		n := bytes.IndexByte(s.b[i:], '-')
		if n < 0 {
			return
		}
		if i += n; i > 0 && !s.beginsOption(i-1) || !s.option(i) {
			for at(s.b, i+1) == '-' {
				i++
			}
			continue
		}
		i = max(i, s.done-1)
	}
}

// beginsOption reports whether an option may follow b[i]: a blank, or the quote of a word.
func (s *scan) beginsOption(i int) bool {
	c := s.b[i]
	return is(c, blank) || isQuote(c) || s.query && c == '+' || c == '[' || c == ','
}

// option looks at the option at b[i], and reports whether its value was redacted.
func (s *scan) option(i int) bool {
	start := i + 1
	if at(s.b, start) == '-' {
		start++
	}
	end := start
	for end < len(s.b) && end-start < maxOption && (is(s.b[end], wordByte) || s.b[end] == '.') {
		end++
	}
	if s.spend(end - i); start == end {
		return false
	}
	if start == i+1 && s.shortOption(i) {
		return true
	}
	v := s.nextWord(end)
	name := s.b[start:end]
	if at(s.b, end) == '=' && foldEqual(name, "user") {
		v = s.gluedWord(end + 1)
	}
	if v.start >= v.end || end-start < 2 {
		return false
	}
	if foldEqual(name, "user") || foldEqual(name, "proxy-user") || foldEqual(name, "userpwd") {
		return s.userAndPassword(v)
	}
	r := s.fieldRole(name)
	if r&(roleField|roleSecret) == 0 || r&roleNever != 0 || !v.quoted && s.b[v.start] == '-' {
		return false
	}
	done := s.done
	s.named(v, r)
	return s.done > done
}

// nextWord returns the word of a command line that follows the blanks at b[i:], or the next
// string of a list.
func (s *scan) nextWord(i int) value {
	j := i
	if k := backslashesEnd(s.b, j); isQuote(at(s.b, k)) { // "--password", "x"
		j = k + 1
	}
	for first := j; j < len(s.b) && j-first < maxSignGap && (is(s.b[j], blank) || s.query && s.b[j] == '+' || j > i && s.b[j] == ','); {
		j++
	}
	if j == i || j >= len(s.b) {
		return value{}
	}
	if k := backslashesEnd(s.b, j); isQuote(at(s.b, k)) && !isQuote(s.b[j-1]) {
		v := value{start: k + 1, end: s.quoteEnd(k, k-j), quoted: true}
		s.spend(v.end - v.start)
		return v
	}
	end := s.wordEnd(j)
	s.spend(end - j)
	return value{start: j, end: end}
}

// shortOption looks at the option of one letter at b[i], and reports whether its value was
// redacted.
func (s *scan) shortOption(i int) bool {
	letter := at(s.b, i+1)
	listed := s.isString(i)
	glued := at(s.b, i+2) > ' ' && (!s.query || s.b[i+2] != '+') && !listed
	for _, o := range shortOptions {
		if o.letter != letter || glued && !o.glued || !glued && !o.spaced && !listed || !s.isCommand(i, o.command) {
			continue
		}
		v := s.nextWord(i + 2)
		if glued {
			v = s.gluedWord(i + 2)
		}
		for range o.skip {
			v = s.nextWord(v.end)
		}
		if v.start >= v.end || s.e.isMarker(s.b[v.start:v.end]) || v.start < s.done || !v.quoted && s.b[v.start] == '-' {
			return false
		}
		if o.pair {
			return s.userAndPassword(v)
		}
		s.redactBy(RuleOption, Field, v)
		return s.done >= v.end
	}
	return false
}

// isString reports whether the option of one letter at b[i] is all of a string in a list, as
// in ["mysql", "-p", "x"]. Nobody writes a list so whose next word is not the option's.
func (s *scan) isString(i int) bool {
	quote := backslashesEnd(s.b, min(i+2, len(s.b)))
	return isQuote(at(s.b, i-1)) && at(s.b, quote) == s.b[i-1] && (at(s.b, quote+1) == ',' || at(s.b, quote+1) == ']')
}

// gluedWord returns the rest of a word of a command line.
func (s *scan) gluedWord(i int) value {
	if isQuote(at(s.b, i)) {
		return value{start: i + 1, end: s.quoteEnd(i, 0), quoted: true}
	}
	end := s.wordEnd(i)
	s.spend(end - i)
	return value{start: i, end: end}
}

// userAndPassword redacts "user:password", but no pair of numbers, as of a user and a group.
func (s *scan) userAndPassword(v value) bool {
	text := s.b[v.start:v.end]
	n := bytes.IndexByte(text, ':')
	if n < 0 || n == len(text)-1 || skipDigits(text, 0) == n && skipDigits(text, n+1) == len(text) || s.e.isMarker(text) ||
		s.e.isMarker(text[n+1:]) || bytes.HasPrefix(text[n:], []byte("://")) {
		return false
	}
	s.record(finding{kind: Credential, rule: RuleOption, start: v.start, end: v.end}, text)
	return true
}

// isCommand reports whether one of the commands is in the line before b[i].
func (s *scan) isCommand(i int, commands []string) bool {
	from := max(0, i-maxCommand)
	before := s.b[from:i]
	s.spend(len(before))
	for _, c := range commands {
		for rest, at := before, 0; ; {
			n := bytes.Index(rest[at:], []byte(c))
			if n < 0 {
				break
			}
			n += at
			end := n + len(c)
			if (n == 0 && from == 0 || n > 0 && !is(rest[n-1], wordByte) || n == 0 && !is(s.b[from-1], wordByte)) && end < len(rest) && !is(rest[end], wordByte) {
				return true
			}
			at = end
		}
	}
	return false
}

// wordEnd returns where the word of a command line ends that i is in.
func (s *scan) wordEnd(i int) int {
	for i < len(s.b) && !is(s.b[i], blank) && !isQuote(s.b[i]) && (!s.query || s.b[i] != '+') && (s.b[i] != '\\' || !isQuote(at(s.b, backslashesEnd(s.b, i)))) {
		i++
	}
	return i
}
