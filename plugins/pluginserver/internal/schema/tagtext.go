package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// say has Kong say what the tag says in place of "invalid value: X", which does not tell
// how to write one, and would show a password. Kong's own attribute err would also hide
// what is wrong with a text's length.
func (f *Field) say() {
	if f.saying == "" {
		return
	}
	if f.Match != "" {
		f.MatchAll, f.Match = append(f.MatchAll, luaPattern{Pattern: f.Match}), ""
	}
	for _, patterns := range [][]luaPattern{f.MatchAll, f.MatchNone} {
		for i := range patterns {
			patterns[i].Err = cmp.Or(patterns[i].Err, f.saying)
		}
	}
	if f.MatchAny != nil {
		f.MatchAny.Err = f.saying
	}
}

func setMatch(f *Field, value string) error {
	if value == "" {
		return errors.New(`write a Lua pattern, match=^%a+$; a comma in it is written \\,`)
	}
	f.Match = value
	return nil
}

func setMatchAny(f *Field, value string) error {
	if value == "" {
		return errors.New("write a Lua pattern, match_any=^%a+$, and the word again for each other")
	}
	if f.MatchAny == nil {
		f.MatchAny = &anyPattern{}
	}
	f.MatchAny.Patterns = append(f.MatchAny.Patterns, value)
	return nil
}

func setNotOneOf(f *Field, value string) error {
	var allowed Field
	allowed.Type = f.Type
	err := setOneOf(&allowed, value)
	f.NotOneOf = allowed.OneOf
	return err
}

// setNotHeader refuses names of headers, whose case does not matter; a star at a name's
// end stands for any rest.
func setNotHeader(f *Field, value string) error {
	for name := range strings.SplitSeq(value, "|") {
		begin, isPrefix := strings.CutSuffix(name, "*")
		if begin == "" {
			return errors.New("write names of headers, not_header=Content-Length|Access-Control-*")
		}
		pattern := "^" + anyCaseOf(begin)
		if !isPrefix {
			pattern += "$"
		}
		f.MatchNone = append(f.MatchNone, luaPattern{Pattern: pattern, Err: name + " is not for a plugin to set"})
	}
	return nil
}

// anyCaseOf is a Lua pattern of a text in whatever case.
func anyCaseOf(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsLetter(r):
			fmt.Fprintf(&b, "[%c%c]", unicode.ToUpper(r), unicode.ToLower(r))
		case unicode.IsDigit(r):
			b.WriteRune(r)
		case r == '-':
			b.WriteString("[-_]") // nginx writes a header's underscores as dashes
		default:
			b.WriteByte('%')
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shape is what texts of one sort look like, in Lua patterns. They know no more: that
// there is no 31 February is for a configuration's Provision to say.
type shape struct {
	match string
	any   []string // one of which must match; none is no demand
	none  []string
	err   string // what Kong says of a text that is none: how to write one
}

// uriBytes are the characters of a URI (RFC 3986), as part of a Lua set.
const uriBytes = `!#-;=?-[%]_a-z~`

// references are the two forms of a link's target. Schemes ignore case (RFC 3986).
var references = []string{`^` + anyCaseOf("http") + `[Ss]?://[^/?#:]`, `^/`}

// noReferences are a path that names a host, a user, whose password would be sent to
// whoever reads the link, and ports that there are not.
var noReferences = append([]string{`^//`, `^%a+://[^/?#]*@`}, noPorts...)

// noPorts are URIs whose port is 0 or above 65535, however many zeros it begins with.
var noPorts = portsBeyond(`0`, `[7-9]%d%d%d%d`, `6[6-9]%d%d%d`, `65[6-9]%d%d`, `655[4-9]%d`, `6553[6-9]`, `[1-9]%d%d%d%d%d+`)

// portsBeyond has two patterns for each number: Lua has no alternatives, and what
// follows a port is the end, or a character (a brace in a template).
func portsBeyond(numbers ...string) []string {
	patterns := make([]string, 0, 2*len(numbers))
	for _, n := range numbers {
		begin := `^%a+://[^/?#]*:0*` + n
		patterns = append(patterns, begin+`$`, begin+`[/?#{]`)
	}
	return patterns
}

// dates are a day, and times of a day with an offset (RFC 3339): Lua has no alternatives,
// and leap seconds are few.
func dates() []string {
	const day = `^%d%d%d%d%-[01]%d%-[0-3]%d`
	patterns := []string{day + `$`}
	for _, second := range []string{`[0-5]%d`, `60`} {
		for _, fraction := range []string{``, `%.%d+`} {
			for _, offset := range []string{`[Zz]`, `[+-][0-2]%d:[0-5]%d`} {
				patterns = append(patterns, day+`[Tt][0-2]%d:[0-5]%d:`+second+fraction+offset+`$`)
			}
		}
	}
	return patterns
}

// shapes are the words of the tag shape. All but those whose patterns say otherwise take
// the empty text, which Kong refuses unless len_min=0.
var shapes = map[string]shape{
	"date": {
		any: dates(),
		// Years that no header can say, and hours and offsets past 23.
		none: []string{`^0`, `^1[0-8]`, `^19[0-6]`, `[Tt+-]2[4-9]:`},
		err:  "write a date as 2027-06-30 or 2027-06-30T12:00:00Z (RFC 3339), from 1970 on",
	},
	"network": {
		any: []string{
			`^%d%d?%d?%.%d%d?%d?%.%d%d?%d?%.%d%d?%d?/%d%d?$`,
			`^%x*:[%x:]*:[%x.]*/%d%d?%d?$`,
		},
		err: "write a network as address/bits, such as 10.0.0.0/8 or 2001:db8::/32",
	},
	"header_name": {
		match: `^[!#-'*+%-.0-9A-Z^-z|~]*$`, // a token of RFC 9110
		err:   "write the name of a header, of letters, digits and dashes",
	},
	"response_header_name": {
		match: "^[!#-'*+%-.0-9A-Z^`a-z|~]*$", // of a token all but underscores
		err:   "write the name of a header, of letters, digits and dashes: nginx writes a dash for each underscore of a response's",
	},
	"reference": {
		match: "^[" + uriBytes + "]*$", any: references, none: noReferences,
		err: "write https://host/path or /path, percent-encoded, without user or password",
	},
	"reference_template": {
		match: "^[" + uriBytes + "{}]*$", any: references, none: noReferences,
		err: "write https://host/path or /path, percent-encoded, without user or password, with {+rest} as its only variable",
	},
	"method": {
		// A token of RFC 9110 without small letters: nginx refuses those, and POST is meant.
		match: "^[!#-'*+%-.0-9A-Z^_`|~]+$", err: "write a method in capitals, such as POST",
	},
	"redis_url": {
		any:  []string{`^` + anyCaseOf("redis") + `[Ss]?://[^%s%c]+$`, `^` + anyCaseOf("unix") + `://[^%s%c]+$`},
		none: noPorts,
		err:  "write redis://user:password@host:6379/0, rediss:// for TLS, or unix://, a port from 1 to 65535",
	},
	"time_zone": {
		match: `^%a[%w_+/-]*$`, none: []string{`^Local$`},
		err: "write a name from the IANA database, such as Europe/Berlin",
	},
	"printable": {match: `^[ -~]*$`, err: "write printable ASCII characters"},
	"text":      {match: `^%C*$`, err: "write text without control characters"},
}

func setShape(f *Field, value string) error {
	s, ok := shapes[value]
	if !ok {
		names := make([]string, 0, len(shapes))
		for name := range shapes {
			names = append(names, name)
		}
		slices.Sort(names)
		return fmt.Errorf("there is no such shape: use one of %s", strings.Join(names, ", "))
	}
	f.Match, f.saying = s.match, cmp.Or(f.saying, s.err)
	if s.any != nil {
		f.MatchAny = &anyPattern{Patterns: slices.Clone(s.any)}
	}
	for _, pattern := range s.none {
		f.MatchNone = append(f.MatchNone, luaPattern{Pattern: pattern})
	}
	return nil
}
