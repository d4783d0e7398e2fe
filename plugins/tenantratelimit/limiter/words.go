package limiter

import "github.com/redis/go-redis/v9"

// Word is what a server that is well may answer in place of a decision: it says where a
// slot is, or why it cannot be asked now. The server has not failed, so no word opens its
// breaker.
type Word string

// The words, and what is done about each. Whatever a slot's server says, a Cluster's slots
// are read again.
const (
	// Moved slots have another server, which is asked at once.
	Moved Word = "MOVED"
	// Ask and TryAgain are of a slot on its way to another server. Its keys are asked
	// one by one, each where it is.
	Ask      Word = "ASK"
	TryAgain Word = "TRYAGAIN"
	// ClusterDown has no server for the slot, or for any; Loading reads its data;
	// MasterDown has lost its master; ReadOnly has one. The request is decided without
	// Redis, and the next one asks again.
	ClusterDown Word = "CLUSTERDOWN"
	Loading     Word = "LOADING"
	MasterDown  Word = "MASTERDOWN"
	ReadOnly    Word = "READONLY"
)

// wordOf is the word that an answer is, or none.
func wordOf(err error) Word {
	if err == nil {
		return ""
	}
	for _, w := range []Word{Moved, Ask, TryAgain, ClusterDown, Loading, MasterDown, ReadOnly} {
		if redis.HasErrorPrefix(err, string(w)+" ") {
			return w
		}
	}
	if redis.IsReadOnlyError(err) { // in the middle, as a script says it
		return ReadOnly
	}
	return ""
}

// serves is true for what only a server says that decides about other slots.
func (w Word) serves() bool { return w == Moved || w == Ask || w == TryAgain }
