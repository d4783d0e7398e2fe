package scrub

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Action says what becomes of a value that was found.
type Action uint8

const (
	// ActionDefault is the kind's own: [KeepLast4] for cards, [Truncate] for IP
	// addresses, [Redact] for all others.
	ActionDefault Action = iota
	// Redact replaces the value by a marker of its kind, such as "[email]".
	Redact
	// KeepLast4 keeps the last four letters or digits: "[card:1111]". It is the
	// most that PCI-DSS 3.5.1 lets a log hold of a card number. A value shorter
	// than nine letters or digits is redacted whole.
	KeepLast4
	// Truncate keeps the network of an IP address: /24 of IPv4, /48 of IPv6.
	Truncate
	// Pseudonym replaces the value by a keyed hash that is the same for the same
	// value for as long as the key is: "[email:k1:9f86d081884c7d65]". Cards may
	// not have it: beside a truncated number elsewhere, a hash gives the number
	// away.
	Pseudonym
	// Drop leaves nothing of the value: an empty one, or null for a JSON number.
	Drop
	// Keep leaves the value alone, as if the kind had no detector.
	Keep
)

var actionNames = []string{"default", "redact", "keep_last4", "truncate", "pseudonym", "drop", "keep"}

// String returns the name used in configuration.
func (a Action) String() string {
	if int(a) >= len(actionNames) {
		return fmt.Sprintf("action(%d)", uint8(a))
	}
	return actionNames[a]
}

// ParseAction returns the action of that name.
func ParseAction(name string) (Action, error) {
	for i, n := range actionNames {
		if n == name {
			return Action(i), nil
		}
	}
	return 0, fmt.Errorf("unknown action %q: use one of %s", name, strings.Join(actionNames, ", "))
}

// Bounds and defaults of a policy.
const (
	DefaultMaxBytes = 64 << 10 // longest text examined
	DefaultMaxDepth = 6        // layers of encoding taken off one value
	MinKeyBytes     = 32       // shortest pseudonym key: the output size of SHA-256

	MaxMaxBytes = 1 << 20 // greatest bound that a policy may set
	maxMaxDepth = 16
	maxPatterns = 64
)

// Pattern is a detector of the policy's own, for values that only its owner
// knows, such as customer numbers. It finds the kind [Custom].
type Pattern struct {
	// Name appears in error messages.
	Name string
	// Regexp is an RE2 expression (package regexp). It must not match the empty
	// string. Empty if the keywords themselves are what is looked for.
	Regexp string
	// Keywords, if there are any, must be in a text (one of them, in any case)
	// for Regexp to be tried on it, which is much cheaper than trying it.
	Keywords []string
}

// Policy says what is looked for and what becomes of it. The zero value looks
// for every kind with its default action.
type Policy struct {
	// Actions holds the action of each kind that differs from its default.
	Actions map[Kind]Action
	// Fields are names of query parameters, headers and JSON keys whose values
	// are always redacted, beside [DefaultFields]. Case, '-', '_' and '.' do not
	// matter, and a name covers longer ones that end in it as a word: "phone"
	// covers "customer_phone" and "customerPhone".
	Fields []string
	// NeverFields are names whose values are left alone as long as they look like
	// an identifier (letters, digits and -_.:=/+ only), beside
	// [DefaultNeverFields]. They win over Fields.
	NeverFields []string
	// PathTemplates are paths in which a segment in braces is redacted, such as
	// "/users/{name}/orders/*": '*' stands for any one segment that stays, and a
	// trailing "**" for any rest.
	PathTemplates []string
	// Patterns are detectors of the policy's own.
	Patterns []Pattern
	// PseudonymKey is the secret of [Pseudonym], at least [MinKeyBytes] long.
	PseudonymKey []byte
	// PseudonymKeyID names the key in every pseudonym, so that a new key can be
	// told from the old one: 1 to 16 letters or digits.
	PseudonymKeyID string
	// MaxBytes is the longest text that is examined; a longer one is dropped.
	// 0 means [DefaultMaxBytes].
	MaxBytes int
	// MaxDepth is the number of encodings taken off one value; what is encoded
	// once more is dropped. 0 means [DefaultMaxDepth].
	MaxDepth int
}

// Errors that [New] returns, wrapped with the value at fault.
var (
	ErrNoKey    = errors.New("pseudonym needs a key: set the pseudonym key and its id")
	ErrShortKey = errors.New("it is too short")
	ErrCardHash = errors.New("a card number may not be pseudonymized: use redact, keep_last4 or drop")
)

func (p *Policy) validate() error {
	for kind, action := range p.Actions {
		if err := p.validateAction(kind, action); err != nil {
			return err
		}
	}
	for _, list := range [][]string{p.Fields, p.NeverFields} {
		for _, name := range list {
			if err := validateName(name); err != nil {
				return err
			}
		}
	}
	if n := len(p.Patterns); n > maxPatterns {
		return fmt.Errorf("%d patterns: use at most %d", n, maxPatterns)
	}
	return errors.Join(p.validateKey(), p.validateMaxBytes(), p.validateMaxDepth())
}

func (p *Policy) validateMaxBytes() error {
	if n := p.MaxBytes; n < 0 || n > MaxMaxBytes {
		return fmt.Errorf("max bytes %d: use 0 to %d", n, MaxMaxBytes)
	}
	return nil
}

func (p *Policy) validateMaxDepth() error {
	if n := p.MaxDepth; n < 0 || n > maxMaxDepth {
		return fmt.Errorf("max depth %d: use 0 to %d", n, maxMaxDepth)
	}
	return nil
}

// validateName refuses the name of a field that no name in a text could be.
func validateName(name string) error {
	if n := len(normalize(name)); n < 2 || n > maxName {
		return fmt.Errorf("field name %q: use one with 2 to %d letters or digits, in ASCII", name, maxName)
	}
	return nil
}

func (p *Policy) validateAction(kind Kind, action Action) error {
	switch {
	case kind >= Dropped:
		return fmt.Errorf("action for %s: not a kind that a policy may name", kind)
	case action > Keep:
		return fmt.Errorf("action for %s: unknown action %s", kind, action)
	case action == Truncate && kind != IP:
		return fmt.Errorf("action for %s: truncate is for ip only", kind)
	case action == Pseudonym && kind == Card:
		return ErrCardHash
	case action == Pseudonym && len(p.PseudonymKey) == 0:
		return fmt.Errorf("action for %s: %w", kind, ErrNoKey)
	}
	return nil
}

func (p *Policy) validateKey() error {
	if len(p.PseudonymKey) == 0 {
		return nil
	}
	if n := len(p.PseudonymKey); n < MinKeyBytes {
		return fmt.Errorf("pseudonym_key: %w: %d bytes; write at least %d", ErrShortKey, n, MinKeyBytes)
	}
	id := p.PseudonymKeyID
	if len(id) == 0 || len(id) > 16 || strings.ContainsFunc(id, notAlnum) {
		return fmt.Errorf("pseudonym_key_id: %q is no id; write 1 to 16 letters or digits", id)
	}
	return nil
}

func notAlnum(r rune) bool { return r >= 0x80 || !is(byte(r), alnum) }

// pattern is a compiled [Pattern].
type pattern struct {
	name     string
	re       *regexp.Regexp
	keywords *regexp.Regexp // nil: always try re
}

func compilePatterns(list []Pattern) ([]pattern, error) {
	var out []pattern
	for _, p := range list {
		c, err := compilePattern(p)
		c.name = p.Name
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", p.Name, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func compilePattern(p Pattern) (pattern, error) {
	var words *regexp.Regexp
	if len(p.Keywords) > 0 {
		quoted := make([]string, len(p.Keywords))
		for i, w := range p.Keywords {
			if w == "" {
				return pattern{}, errors.New("empty keyword: remove it")
			}
			quoted[i] = regexp.QuoteMeta(w)
		}
		words = regexp.MustCompile("(?i:" + strings.Join(quoted, "|") + ")")
	}
	if p.Regexp == "" {
		if words == nil {
			return pattern{}, errors.New("has neither a regexp nor keywords")
		}
		return pattern{re: words}, nil
	}
	re, err := regexp.Compile(p.Regexp)
	if err != nil {
		return pattern{}, fmt.Errorf("regex %q: %w; write it in the syntax of RE2", p.Regexp, err)
	}
	if re.MatchString("") {
		return pattern{}, fmt.Errorf("regex %q matches the empty string; have it match a character at least", p.Regexp)
	}
	return pattern{re: re, keywords: words}, nil
}
