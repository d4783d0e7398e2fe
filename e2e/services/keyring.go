package services

import (
	"slices"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// keyring is the keys of one issuer. They come and go by the clock: a key is in the JWKS
// before it signs, so that whoever reads that has it in time, and after, so that the
// tokens which it signed are good until they expire.
type keyring struct {
	mu   sync.Mutex
	keys []timedKey // in the order in which they were made
}

type timedKey struct {
	devtoken.Key
	signs time.Time // from then on
	gone  time.Time // from the JWKS, from then on; zero: it stays
}

func (k timedKey) published(now time.Time) bool { return k.gone.IsZero() || now.Before(k.gone) }

func newKeyring(first devtoken.Key) *keyring { return &keyring{keys: []timedKey{{Key: first}}} }

// reset goes back to the one key.
func (r *keyring) reset(first devtoken.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = []timedKey{{Key: first}}
}

// rotate has next in the JWKS from now on. After lead it signs in place of the others,
// which leave the JWKS overlap later.
func (r *keyring) rotate(next devtoken.Key, now time.Time, lead, overlap time.Duration) (signs, gone time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	signs, gone = now.Add(lead), now.Add(lead+overlap)
	r.keys = slices.DeleteFunc(r.keys, func(k timedKey) bool { return !k.published(now) })
	for i := range r.keys {
		if r.keys[i].gone.IsZero() {
			r.keys[i].gone = gone
		}
	}
	r.keys = append(r.keys, timedKey{Key: next, signs: signs})
	return signs, gone
}

// signing is the key that signs now: the last whose time has come.
func (r *keyring) signing(now time.Time) devtoken.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.keys[0]
	for _, key := range r.keys {
		if !now.Before(key.signs) {
			last = key
		}
	}
	return last.Key
}

// published are the keys in the JWKS now.
func (r *keyring) published(now time.Time) (list []devtoken.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keys {
		if key.published(now) {
			list = append(list, key.Key)
		}
	}
	return list
}
