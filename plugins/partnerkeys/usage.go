package partnerkeys

import (
	"fmt"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

// Usage is what is known of the use of keys, or why nothing is.
type Usage struct {
	usage.LastSeen
	Err error
}

// stale is how old the nodes' last word may be: they write every ten seconds.
const stale = time.Minute

// MaxUnused is for how long nodes remember that a key was used.
const MaxUnused = 90 * 24 * time.Hour

// Doubt is why nobody can say which keys are in use, nil if that is known.
func (u Usage) Doubt(now time.Time) error {
	switch {
	case u.Err != nil:
		return u.Err
	case u.Written.IsZero():
		return fmt.Errorf("no node has written which keys are used: name the nodes' -redis and -prefix; tenant-rate-limit has to run where keys are used, with observe: true")
	case now.Sub(u.Written) > stale:
		return fmt.Errorf("no node has written which keys are used since %s", u.Written.UTC().Format(time.RFC3339))
	}
	return nil
}

// Last is when a key was last used, zero if it was not as far as is known.
func (u Usage) Last(k Key) time.Time {
	return u.Credentials[usage.Credential{ID: k.ID, Consumer: k.Consumer}]
}

// InUse is why a key may not be dropped, nil if nobody has used it for the time given.
func (u Usage) InUse(k Key, unused time.Duration, now time.Time) error {
	if err := u.Doubt(now); err != nil {
		return fmt.Errorf("whether it is in use is not known: %w", err)
	}
	if last := u.Last(k); now.Sub(last) < unused {
		return fmt.Errorf("%s uses it: last seen at %s, less than %s ago", k.Consumer, last.UTC().Format(time.RFC3339), Short(unused))
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
