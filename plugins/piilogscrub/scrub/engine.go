package scrub

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"
)

// Engine finds and replaces what its policy names. It is made by [New], is not
// changed after that, and may be used by any number of goroutines at once.
type Engine struct {
	actions   [kindCount]Action // never ActionDefault
	fields    *names
	words     *names
	measures  *names
	patterns  []pattern
	templates []template
	maxBytes  int
	maxDepth  int
	keyID     string
	macs      *sync.Pool // of hash.Hash, keyed; nil without a key
}

// New returns an engine for the policy, or an error that names what is wrong
// with it.
func New(p Policy) (*Engine, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	return compile(p)
}

// NewStrictest is [New] of the [Strictest] of policies, each of which is valid.
func NewStrictest(policies ...Policy) (*Engine, error) { return compile(Strictest(policies...)) }

// Dropping returns an engine that drops every text: for where it is not known what
// would have to be taken out of one.
func Dropping() *Engine {
	return &Engine{actions: effective(nil), fields: newNames(), words: newNames(), measures: newNames(), maxDepth: DefaultMaxDepth}
}

func compile(p Policy) (*Engine, error) {
	patterns, err := compilePatterns(p.Patterns)
	if err != nil {
		return nil, err
	}
	templates, err := parseTemplates(p.PathTemplates)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		actions:   effective(p.Actions),
		fields:    fieldNames(&p),
		words:     contextWords(),
		measures:  measureNames(),
		patterns:  patterns,
		templates: templates,
		maxBytes:  cmp.Or(p.MaxBytes, DefaultMaxBytes),
		maxDepth:  cmp.Or(p.MaxDepth, DefaultMaxDepth),
		keyID:     p.PseudonymKeyID,
	}
	if len(p.PseudonymKey) > 0 {
		key := bytes.Clone(p.PseudonymKey)
		e.macs = &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
	}
	return e, nil
}

// effective returns the action of every kind.
func effective(chosen map[Kind]Action) (actions [kindCount]Action) {
	for k := range actions {
		actions[k] = Redact
	}
	actions[Card], actions[IP] = KeepLast4, Truncate
	for k, a := range chosen {
		if a != ActionDefault {
			actions[k] = a
		}
	}
	return actions
}

// replacement appends what stands in for a value of a kind, by the kind's action. [Keep] is
// not among them: a kept value is no finding.
func (e *Engine) replacement(dst []byte, k Kind, value []byte) []byte {
	switch e.actions[k] {
	case KeepLast4:
		return appendLast4(dst, k, value)
	case Truncate:
		return appendNetwork(dst, value)
	case Pseudonym:
		return e.appendPseudonym(dst, k, value)
	case Drop:
		return dst
	}
	return append(dst, markers[k]...)
}

const minLast4 = 9 // letters and digits of the shortest value that keeps four

func appendLast4(dst []byte, k Kind, value []byte) []byte {
	var last [4]byte
	n := 0
	for i := len(value) - 1; i >= 0; i-- {
		if c := value[i]; is(c, alnum) {
			if n < len(last) {
				last[len(last)-1-n] = c
			}
			n++
		}
	}
	if n < minLast4 {
		return append(dst, markers[k]...)
	}
	dst = append(dst, '[')
	dst = append(dst, kindNames[k]...)
	dst = append(dst, ':')
	dst = append(dst, last[:]...)
	return append(dst, ']')
}

// pseudonymBytes is how much of the hash a pseudonym holds: among a billion
// values, two share one with a chance of one in thirty.
const pseudonymBytes = 8

// appendPseudonym appends the hash of a value, but never of a card number that
// stands where another kind is looked for, such as under "password": elsewhere
// its last digits are kept, and the two together give it away.
func (e *Engine) appendPseudonym(dst []byte, k Kind, value []byte) []byte {
	if isCardNumber(value) {
		return append(dst, markers[k]...)
	}
	mac := e.macs.Get().(hash.Hash)
	defer e.macs.Put(mac)
	mac.Reset()
	fmt.Fprintf(mac, "%s\x00%s", kindNames[k], canonical(k, value))
	var sum [sha256.Size]byte
	dst = append(dst, '[')
	dst = append(dst, kindNames[k]...)
	dst = append(dst, ':')
	dst = append(dst, e.keyID...)
	dst = append(dst, ':')
	dst = hex.AppendEncode(dst, mac.Sum(sum[:0])[:pseudonymBytes])
	return append(dst, ']')
}

// canonical returns a value as it is hashed: without what can be written in
// more than one way.
func canonical(k Kind, value []byte) []byte {
	switch k {
	case Email:
		return bytes.ToLower(value)
	case Phone, IBAN, USSSN, NationalID:
		return bytes.ToUpper(bytes.Map(func(r rune) rune {
			if notAlnum(r) {
				return -1
			}
			return r
		}, value))
	}
	return value
}

// Pseudonym returns the token that stands for an identifier, such as a user's,
// under the policy's key: "user:k1:9f86d081884c7d65". It returns "" for an empty
// identifier, and a bare marker if the policy has no key.
func (e *Engine) Pseudonym(what, id string) string {
	switch {
	case id == "":
		return ""
	case e.macs == nil:
		return "[" + what + "]"
	}
	mac := e.macs.Get().(hash.Hash)
	defer e.macs.Put(mac)
	mac.Reset()
	fmt.Fprintf(mac, "%s\x00%s", what, id)
	return what + ":" + e.keyID + ":" + hex.EncodeToString(mac.Sum(nil)[:pseudonymBytes])
}

// isMarker reports whether a value is one that this engine writes, such as
// "[email]" or "[card:1111]": scrubbing twice changes nothing.
func (e *Engine) isMarker(v []byte) bool {
	if len(v) < 4 || v[0] != '[' || v[len(v)-1] != ']' {
		return false
	}
	name, rest, more := bytes.Cut(v[1:len(v)-1], []byte{':'})
	k, ok := kindOf(name)
	switch {
	case !ok || !more:
		return ok
	case e.actions[k] == KeepLast4:
		return len(rest) == 4
	case e.actions[k] == Pseudonym:
		id, sum, _ := bytes.Cut(rest, []byte{':'})
		return string(id) == e.keyID && len(sum) == 2*pseudonymBytes && isHexOnly(sum)
	}
	return false
}

func kindOf(name []byte) (Kind, bool) {
	for k, n := range kindNames {
		if string(name) == n {
			return Kind(k), true
		}
	}
	return 0, false
}
