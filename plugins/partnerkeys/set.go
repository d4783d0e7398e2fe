package partnerkeys

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehousehq/gatehouse/internal/apikey"
)

// Key is one of a partner's.
type Key struct {
	// ID is Kong's id of the credential, which logs and the audit record have. It is
	// made of the key and tells nothing of it.
	ID string
	// Consumer is the username of whose it is.
	Consumer string
	// Text is the key itself.
	Text string
	// Created is when it was made, to the second.
	Created time.Time
	// Ends is when its overlap is over; zero for a key that nothing has replaced.
	Ends time.Time
	// Replaces is the id of the key whose place it takes, empty if there is none.
	Replaces string
}

// namespace makes ids of keys (RFC 9562, 5.5) that are none of Kong's own.
var namespace = uuid.MustParse("6f5d7f0c-0b1e-4d0c-9d0a-6e1f3c2b8a57")

func idOf(text string) string { return uuid.NewSHA1(namespace, []byte(text)).String() }

// String names a key in messages, without what opens the door.
func (k Key) String() string {
	return fmt.Sprintf("key %s (%s) of %s", k.ID, apikey.Hint(k.Text), k.Consumer)
}

// Ended reports whether the overlap of a key is over.
func (k Key) Ended(now time.Time) bool { return !k.Ends.IsZero() && !now.Before(k.Ends) }

// Set is all keys of a deployment, by consumer, and of each the oldest first.
type Set struct{ keys []Key }

// All are the keys. The slice is the caller's.
func (s *Set) All() []Key { return slices.Clone(s.keys) }

// Of are the keys of a consumer.
func (s *Set) Of(consumer string) []Key {
	return slices.DeleteFunc(s.All(), func(k Key) bool { return k.Consumer != consumer })
}

// Issue makes a key for a consumer.
func (s *Set) Issue(consumer string, now time.Time) Key { return s.issue(consumer, "", now) }

func (s *Set) issue(consumer, replaces string, now time.Time) Key {
	text := apikey.New()
	k := Key{ID: idOf(text), Consumer: consumer, Text: text, Created: now.UTC().Truncate(time.Second), Replaces: replaces}
	s.add(k)
	return k
}

func (s *Set) add(k Key) {
	at := len(s.keys)
	if last := slices.IndexFunc(s.keys, func(other Key) bool { return other.Consumer > k.Consumer }); last >= 0 {
		at = last
	}
	s.keys = slices.Insert(s.keys, at, k)
}

// MaxOverlap is the longest time that two keys live side by side.
const MaxOverlap = 366 * 24 * time.Hour

// Rotate makes a key that takes the place of the consumer's key with that id, or, where
// id is empty, of the only one that nothing has replaced. That one lives until the overlap
// is over.
func (s *Set) Rotate(consumer, id string, overlap time.Duration, now time.Time) (made, old Key, err error) {
	if overlap < time.Second || overlap > MaxOverlap {
		return made, old, fmt.Errorf("overlap %s: write how long both keys are good, from 1s to 366d, such as 30d; revoke ends a key at once", overlap)
	}
	if id == "" {
		old, err = s.current(consumer)
	} else {
		old, err = s.Find(id)
	}
	switch {
	case err != nil:
		return made, old, err
	case old.Consumer != consumer:
		return made, old, fmt.Errorf("%s is not one of %s: list shows whose keys there are", old, consumer)
	case !old.Ends.IsZero():
		return made, old, fmt.Errorf("%s was replaced before, and ends at %s: rotate the one that replaced it", old, old.Ends.Format(time.RFC3339))
	}
	at := slices.IndexFunc(s.keys, func(k Key) bool { return k.ID == old.ID })
	s.keys[at].Ends = now.UTC().Truncate(time.Second).Add(overlap)
	return s.issue(consumer, old.ID, now), s.keys[at], nil
}

// current is the consumer's key that nothing has replaced.
func (s *Set) current(consumer string) (Key, error) {
	keys := slices.DeleteFunc(s.Of(consumer), func(k Key) bool { return !k.Ends.IsZero() })
	switch len(keys) {
	case 0:
		return Key{}, fmt.Errorf("%s has no key here to rotate: issue one", consumer)
	case 1:
		return keys[0], nil
	}
	return Key{}, fmt.Errorf("%s has %d keys that nothing has replaced: name one with -key: %s", consumer, len(keys), ids(keys))
}

// minID is how much of an id names a key.
const minID = 4

// Find is the key with that id, or with an id that begins so.
func (s *Set) Find(id string) (Key, error) {
	if len(id) < minID {
		return Key{}, fmt.Errorf("key %q: write %d characters of its id at least, as list shows it", id, minID)
	}
	found := slices.DeleteFunc(s.All(), func(k Key) bool { return !strings.HasPrefix(k.ID, strings.ToLower(id)) })
	switch len(found) {
	case 0:
		return Key{}, fmt.Errorf("there is no key %q: list shows the ids", shown(id))
	case 1:
		return found[0], nil
	}
	return Key{}, fmt.Errorf("key %q may be %d keys: write more of the id: %s", id, len(found), ids(found))
}

// shown is what a message has of an argument that should have been an id: somebody may
// have written a key there.
func shown(id string) string {
	if apikey.Index([]byte(id)) >= 0 {
		return apikey.Prefix + "…"
	}
	return id
}

// Drop takes keys out by their ids.
func (s *Set) Drop(list ...Key) {
	s.keys = slices.DeleteFunc(s.keys, func(k Key) bool {
		return slices.ContainsFunc(list, func(dropped Key) bool { return dropped.ID == k.ID })
	})
}

func ids(keys []Key) string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.ID
	}
	return strings.Join(list, ", ")
}
