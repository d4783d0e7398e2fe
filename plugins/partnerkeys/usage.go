package partnerkeys

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// Usage is what is known of the use of keys, or why nothing is.
type Usage struct {
	usage.LastSeen
	// Expected is how many nodes have to write at least, where somebody knows that.
	Expected int
	Err      error
}

// stale is how old a node's last word may be: they write every ten seconds.
const stale = time.Minute

// MaxUnused is for how long nodes remember that a key was used.
const MaxUnused = 90 * 24 * time.Hour

// Doubt is why nobody can say which keys were in use for the time given, nil if that is
// known. A node that wrote in that time and does not any more may have seen any key since.
func (u Usage) Doubt(unused time.Duration, now time.Time) error {
	if u.Err != nil {
		return u.Err
	}
	if len(u.Nodes) == 0 {
		return errors.New("no node has written which keys are used: name the nodes' --redis and --prefix; tenant-rate-limit has to run where keys are used, with observe: true")
	}
	writing := 0
	for _, name := range slices.Sorted(maps.Keys(u.Nodes)) {
		switch silent := now.Sub(u.Nodes[name]); {
		case silent <= stale:
			writing++
		case silent <= unused+stale:
			return fmt.Errorf("the node %s has not written which keys are used since %s: it is away from Redis, or ended without a word", name, u.Nodes[name].UTC().Format(time.RFC3339))
		}
	}
	if want := max(1, u.Expected); writing < want {
		return fmt.Errorf("of %d nodes or more, %d write which keys are used: look at the others' Redis, and whether requests reach them", want, writing)
	}
	return nil
}

// Last is when a key was last used, zero if it was not as far as is known.
func (u Usage) Last(k Key) time.Time {
	return u.Credentials[usage.Credential{ID: k.ID, Consumer: k.Consumer}]
}

// InUse is why a key may not be dropped, nil if nobody has used it for the time given.
func (u Usage) InUse(k Key, unused time.Duration, now time.Time) error {
	if last := u.Last(k); now.Sub(last) < unused {
		return fmt.Errorf("%s uses it: last seen at %s, less than %s ago", k.Consumer, last.UTC().Format(time.RFC3339), Short(unused))
	}
	if err := u.Doubt(unused, now); err != nil {
		return fmt.Errorf("whether it is in use is not known: %w", err)
	}
	if now.Sub(u.Since) < unused && k.Created.Before(u.Since) {
		return fmt.Errorf("whether it is in use is not known: nodes write which keys are used since %s, which is less than %s", u.Since.UTC().Format(time.RFC3339), Short(unused))
	}
	return nil
}

// Of are all of a consumer's credentials that were seen.
func (u Usage) Of(consumer string) (list []usage.Credential) {
	for c := range u.Credentials {
		if c.Consumer == consumer {
			list = append(list, c)
		}
	}
	return list
}
