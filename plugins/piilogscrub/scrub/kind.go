package scrub

import (
	"fmt"
	"iter"
	"strings"
)

// Kind says what a finding is.
type Kind uint8

// The kinds, in the order in which they are documented.
const (
	Email      Kind = iota // an e-mail address
	Phone                  // a telephone number, E.164 or national
	Card                   // a payment card number (PAN)
	IBAN                   // an ISO 13616 account number
	USSSN                  // a US social security number
	NationalID             // another country's personal number
	IP                     // an IPv4 or IPv6 address
	JWT                    // a JSON Web Token
	Credential             // what follows Bearer or Basic, or stands before the '@' of a URL
	Secret                 // an API key of a known shape, or a random value under a secret's name
	Field                  // a value redacted because of the name that it stands under
	Custom                 // a match of one of the policy's own patterns
	Dropped                // a value that could not be examined; see [Kind.Public]

	kindCount = int(Dropped) + 1
)

var kindNames = [kindCount]string{
	"email", "phone", "card", "iban", "us_ssn", "national_id", "ip", "jwt",
	"credential", "secret", "field", "custom", "dropped",
}

// markers holds what replaces a value of each kind. They contain nothing that
// ends a JSON string, a quoted log field or a query parameter.
var markers = [kindCount]string{
	"[email]", "[phone]", "[card]", "[iban]", "[us_ssn]", "[national_id]", "[ip]", "[jwt]",
	"[credential]", "[secret]", "[field]", "[custom]", "[dropped]",
}

// String returns the name used in configuration, findings and metrics.
func (k Kind) String() string {
	if int(k) >= kindCount {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// Marker returns the text that stands in for a redacted value of this kind.
func (k Kind) Marker() string { return markers[k] }

// Public returns the kind that a finding is reported as: one of the twelve that
// a policy may name. A dropped value is reported as a redacted field.
func (k Kind) Public() Kind {
	if k == Dropped {
		return Field
	}
	return k
}

// Kinds yields every kind that a policy may name.
func Kinds() iter.Seq[Kind] {
	return func(yield func(Kind) bool) {
		for k := Email; k < Dropped; k++ {
			if !yield(k) {
				return
			}
		}
	}
}

// ParseKind returns the kind of that name.
func ParseKind(name string) (Kind, error) {
	for k := range Kinds() {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("unknown kind %q: use one of %s", name, strings.Join(kindNames[:Dropped], ", "))
}

// Finding is one value found in a text.
type Finding struct {
	Kind       Kind
	Start, End int // byte offsets into the text as it was given; End is exclusive
}

// Tally counts what was found, by kind.
type Tally [kindCount]uint32

// Total returns the number of findings of all kinds.
func (t Tally) Total() int {
	n := 0
	for _, c := range t {
		n += int(c)
	}
	return n
}

// Add adds the counts of other.
func (t *Tally) Add(other Tally) {
	for k, c := range other {
		t[k] += c
	}
}

// All yields the kinds that were found, dropped values included, and how often.
func (t Tally) All() iter.Seq2[Kind, int] {
	return func(yield func(Kind, int) bool) {
		for k, c := range t {
			if c > 0 && !yield(Kind(k), int(c)) {
				return
			}
		}
	}
}
