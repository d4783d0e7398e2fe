package issuers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// State is the keys of each issuer, by its consumer.
type State map[string][]Key

// Reading is what an issuer published, or why that could not be read.
type Reading struct {
	Keys    []Key
	Refused []error
	Err     error
}

// Round is all that decides which keys there are to be.
type Round struct {
	Issuers []Issuer
	// Before is what the last round made.
	Before State
	// Read has a reading for each issuer, in their order.
	Read []Reading
	// Taken says of the keys of other credentials whose they are, by what Kong finds them
	// by.
	Taken map[string]string
	Now   time.Time
}

// Next is the state after a round, and lines about what an operator has to look at. An
// issuer that could not be read keeps the keys that it has. A key that an issuer
// publishes no more stays for the issuer's overlap, so that the tokens which it signed
// are good until they expire. Of two issuers with a key of one kid, who had it first
// keeps it; if neither had, it is nobody's.
func Next(r Round) (after State, lines []string) {
	after = State{}
	for n, issuer := range r.Issuers {
		read, had := r.Read[n], r.Before[issuer.Consumer]
		for _, refused := range read.Refused {
			lines = append(lines, line(issuer, refused))
		}
		keys := had
		if read.Err == nil {
			keys = published(read.Keys, had, r.Now)
		} else {
			lines = append(lines, line(issuer, fmt.Errorf("%w; meanwhile its last good keys stay: %d", read.Err, len(had))))
		}
		after[issuer.Consumer] = withoutExpired(keys, issuer.Overlap, r.Now)
	}
	return after, append(lines, r.removeConflicts(after)...)
}

// maxLine bounds what is said of an issuer, in bytes: it may hold words of its own.
const maxLine = 600

// line is one line about an issuer, whatever the error has in it.
func line(issuer Issuer, err error) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, err.Error())
	text = fmt.Sprintf("issuer %s: %s", issuer.ISS, strings.Join(strings.Fields(text), " "))
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	return text
}

// published are the keys that there are now, and those that there were.
func published(keys, had []Key, now time.Time) []Key {
	all := slices.Clone(keys)
	for _, old := range had {
		if slices.ContainsFunc(keys, func(k Key) bool { return k.KID == old.KID }) {
			continue
		}
		if old.Left.IsZero() {
			old.Left = now
		}
		all = append(all, old)
	}
	return all
}

func withoutExpired(keys []Key, overlap time.Duration, now time.Time) []Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool {
		return !k.Left.IsZero() && now.Sub(k.Left) >= overlap
	})
}

// removeConflicts leaves each kid to one credential: Kong loads no config in which it has
// two.
func (r Round) removeConflicts(state State) (lines []string) {
	claims := map[string][]Issuer{}
	for _, issuer := range r.Issuers {
		for _, key := range state[issuer.Consumer] {
			claims[key.KID] = append(claims[key.KID], issuer)
		}
	}
	for _, kid := range slices.Sorted(maps.Keys(claims)) {
		for _, issuer := range claims[kid] {
			whose := r.otherOwner(kid, issuer, claims[kid])
			if whose == "" {
				continue
			}
			lines = append(lines, line(issuer, fmt.Errorf("key %.100q is not taken: %s has a key of that kid, and Kong finds one by it; have one of them name it otherwise", kid, whose)))
			state[issuer.Consumer] = slices.DeleteFunc(state[issuer.Consumer], func(k Key) bool { return k.KID == kid })
		}
	}
	return lines
}

// otherOwner is who keeps the issuer from having a key of that kid, empty if nobody does.
func (r Round) otherOwner(kid string, issuer Issuer, claimants []Issuer) string {
	if owner, taken := r.Taken[kid]; taken {
		return owner
	}
	hadIt := func(i Issuer) bool {
		return slices.ContainsFunc(r.Before[i.Consumer], func(k Key) bool { return k.KID == kid })
	}
	if len(claimants) == 1 || hadIt(issuer) {
		return ""
	}
	at := slices.IndexFunc(claimants, hadIt)
	if at < 0 {
		at = slices.IndexFunc(claimants, func(i Issuer) bool { return i.Consumer != issuer.Consumer })
	}
	return claimants[at].ISS
}
