package scrub

import "strings"

// role says what a name or a word tells of the value beside it.
type role uint32

const (
	roleField    role = 1 << iota // redact the value, whatever it is
	roleLine                      // the value runs to the end of its line or quotes
	roleNever                     // leave the value alone if it looks like an identifier
	roleSecret                    // redact the value if it may be a secret
	roleWeak                      // the name is that of other things as often as of a secret
	roleWhole                     // the name says so on its own only, not as the end of a longer one
	rolePair                      // another field beside names the value: {"name":"X","value":"Y"}
	roleAuth                      // the value begins with an authentication scheme
	rolePhone                     // a number here is a telephone number
	roleCall                      // a number in groups here is a telephone number
	roleCard                      // a number with a card's check digit is a card
	roleSSN                       // nine digits are a social security number
	roleNational                  // a number with an id's check digit is that id
	roleVersion                   // four small numbers are no IP address
	roleOther                     // a number here is neither of a person nor of a card
	roleAddress                   // the value is a person's address, or a network's
	roleData                      // the name is that of a place in data as well: "key"
	roleAmong                     // the value stands beside others, as a place in data does
	roleMembers                   // what stands in an object here is a secret too: {"secrets":{"db":"x"}}
	roleCount                     // a number of few digits here is a count: pass=17, pin=13
	roleSerial                    // a number of 32 bits here counts sessions: sessionid=4200006025
)

// names maps the names of fields, in lower case and without separators, to what
// they say of their values. It is not written to once it is made.
type names struct {
	roles map[string]role
	tails [1 << 9]uint64  // a bit for each three last bytes: rules most names out
	pairs [1 << 4]uint64  // a bit for each two, where a separator is before them
	twins map[string]bool // words that follow a secret's name in the name of its twin
	glued []string        // names that count as well where letters stand before them
}

const (
	maxName      = 64 // bytes of a name that are looked at, from its end
	maxNameParts = 8  // words of a name that are looked at, from its end
)

func newNames() *names { return &names{roles: make(map[string]role)} }

// add gives names a role, beside those that they have.
func (n *names) add(r role, list ...string) {
	for _, name := range list {
		key := normalize(name)
		if len(key) < 2 {
			continue
		}
		n.roles[key] |= r
		n.addTail(key)
	}
}

// addTail adds the last bytes of a key; before one of two bytes may stand any.
func (n *names) addTail(key string) {
	end := len(key)
	pair := tail(0, key[end-2], key[end-1])
	n.pairs[pair>>6] |= 1 << (pair & 63)
	for before := range byte(32) {
		if end == 2 || before == key[end-3]&31 {
			t := tail(before, key[end-2], key[end-1])
			n.tails[t>>6] |= 1 << (t & 63)
		}
	}
}

// normalize returns a name in lower case, letters and digits only.
func normalize(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 || !is(byte(r), alnum) {
			return -1
		}
		return rune(fold(byte(r)))
	}, name)
}

// tail numbers the last three bytes of a name, whatever their case.
func tail(a, b, c byte) uint { return uint(a&31)<<10 | uint(b&31)<<5 | uint(c&31) }

// maybe reports whether a name that ends before b[end] can have a role. It is
// one look at three bytes, where lookup reads the whole name, and a second one where a
// number ends the name.
func (n *names) maybe(b []byte, end int) bool {
	return n.maybeSo(b, end) || end > 0 && isDigit(b[end-1]) && n.maybeNumbered(b, end)
}

// maybeNumbered is maybe for what stands before the number that ends before b[end].
func (n *names) maybeNumbered(b []byte, end int) bool {
	first := end
	for end > 0 && first-end < maxTwinDigits && isDigit(b[end-1]) {
		end--
	}
	if n.twins == nil {
		return false
	}
	if end > 0 && is(b[end-1], wordByte) && !is(b[end-1], alnum) {
		end--
	}
	return n.maybeSo(b, end)
}

func (n *names) maybeSo(b []byte, end int) bool {
	if end < 2 {
		return false
	}
	before := at(b, end-3)
	switch {
	case is(before, alnum) && is(b[end-1], alnum):
		t := tail(before, b[end-2], b[end-1])
		return n.tails[t>>6]&(1<<(t&63)) != 0
	case before == '%' || b[end-1] == ']':
		return true
	}
	pair := tail(0, b[end-2], b[end-1])
	return n.pairs[pair>>6]&(1<<(pair&63)) != 0
}

// lookup returns the role of a name: its own, or that of the longest run of its
// last words, so that "billing_card_number" is read as "cardnumber".
func (n *names) lookup(name []byte) role {
	var buf [maxName]byte
	var parts [maxNameParts]int
	key, starts := splitName(name, &buf, &parts)
	if r, ok := n.find(key, starts); ok {
		return r
	}
	return n.twin(key, starts)
}

// find returns the role of the longest run of a name's last words that has one.
func (n *names) find(key []byte, starts []int) (role, bool) {
	for _, at := range starts {
		if r, ok := n.roles[string(key[at:])]; ok && (r&roleWhole == 0 || at == starts[0]) {
			return r, true
		}
	}
	if len(starts) == 0 || len(key)-starts[len(starts)-1] <= minGlued {
		return 0, false
	}
	for _, end := range n.glued {
		if len(key) > len(end) && string(key[len(key)-len(end):]) == end {
			return n.roles[end], true
		}
	}
	return 0, false
}

// splitName writes the end of name to buf in lower case, without separators, and
// returns it with the places where its words begin, the earliest first.
func splitName(name []byte, buf *[maxName]byte, parts *[maxNameParts]int) (key []byte, starts []int) {
	w, p := len(buf), len(parts)
	for i := len(name) - 1; i >= 0 && w > 0 && p > 0; i-- {
		c := name[i]
		if !is(c, alnum) {
			continue
		}
		w--
		buf[w] = fold(c)
		if i == 0 || !is(name[i-1], alnum) || c != buf[w] && name[i-1]|0x20 == name[i-1] {
			p--
			parts[p] = w
		}
	}
	starts = parts[p:]
	for i := range starts {
		starts[i] -= w
	}
	return buf[w:], starts
}
