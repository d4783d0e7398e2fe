package kongrecord

import (
	"time"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// Record is a request that is over: the part of kong.log.serialize that
// Gatehouse's plugins use. Whoever knows the same from another source, such as
// nginx's access line, may fill one in.
type Record struct {
	Request struct {
		ID     string
		Method string
		URI    string
		TLS    bool
		// Host and Port are where the client believes to have sent the request; Port is
		// 0 if nobody says so.
		Host string
		Port int
		// Protocol is HTTP's version as nginx writes it, such as HTTP/1.1. Kong's own
		// record does not have it.
		Protocol  string
		UserAgent string
	}
	Response struct {
		Status int
		Size   float64 // bytes
	}
	Latencies Latencies
	// StartedAt is when the request came in, in milliseconds since the Unix epoch.
	StartedAt float64
	// HeardAt is when this process heard that the request is over. Kong's times are
	// whole milliseconds; this is finer, and later by the way here. Zero if unknown.
	HeardAt time.Time
	// HandledAt is when this process had the request in hand for the last time before it
	// went to an upstream. Zero if unknown.
	HandledAt time.Time
	Route     struct {
		Entity
		Paths []string
	}
	Service  Entity
	Consumer struct {
		ID       string
		Username string
		CustomID string
	}
	Credential struct {
		ID string
	}
	ClientIP string
	// Tries are how an upstream was tried, in order.
	Tries []Try
	// Source is who wrote the response: upstream or kong.
	Source string
	// TraceID is a string, or a table of them by format.
	TraceID any
	// HasSpans says that the gateway exports spans of the request.
	HasSpans bool
	// Trace is what kongwrite.Traced left; nil if it was not called.
	Trace any
	// Policies is what other plugins decided, by plugin; nil if none said so. Any
	// plugin can have written it, unless it is [Decisions].
	Policies any
	// NoToken says that the note kongwrite.NoToken was left.
	NoToken bool
	// TokenRefused says that the note kongwrite.TokenRefused was left.
	TokenRefused bool
	// Limit is the name of the limit that denied the request, by the note kongwrite.Limited;
	// empty if none did.
	Limit string
	// Partial says that nginx's access line is all that is known: who was asking and by
	// which route, nobody can tell.
	Partial bool
	// Correction says that there may be an earlier record of the request, which did not
	// know how it ended, and whose place this one takes.
	Correction bool
}

// Evidence is what Kong knew of who was asking; token is the one that it verified,
// or nil.
func (r *Record) Evidence(token *identity.Token) identity.Evidence {
	return identity.Evidence{
		Token:        token,
		TokenRefused: r.TokenRefused,
		Consumer:     identity.Consumer{ID: r.Consumer.ID, Username: r.Consumer.Username, CustomID: r.Consumer.CustomID},
		CredentialID: r.Credential.ID,
	}
}

// SpansIn is the id of the trace in which the gateway exports spans of the request; empty
// if it exports none, or nobody says in which. Any plugin can have written it.
func (r *Record) SpansIn() string {
	const digits = 32
	id, _ := r.TraceID.(string)
	if !r.HasSpans || len(id) != digits {
		return ""
	}
	return id
}

// Word is what a plugin of ours decided, in a word; empty if it did not.
func (r *Record) Word(plugin string) string {
	switch policies := r.Policies.(type) {
	case Decisions:
		for _, d := range policies {
			if d.Plugin == plugin {
				return d.Word
			}
		}
	case map[string]any:
		word, _ := policies[plugin].(string)
		return word
	}
	return ""
}

// Decisions are words of our own plugins', told within the process.
type Decisions []Decision

// Decision is what a plugin decided, in a word.
type Decision struct{ Plugin, Word string }

// Try is one try of an upstream.
type Try struct {
	// Address and Port are the target's; Port is 0 for a unix socket.
	Address string
	Port    int
	// Status is the answer's, or what nginx made of there being none; 0 if the client went
	// away before.
	Status int
	// Answered says that the target answered with a header.
	Answered bool
	// StartedAt is in milliseconds since the Unix epoch, 0 if unknown, and Took in
	// milliseconds, below 0 if unknown.
	StartedAt, Took float64
}

// Latencies are in milliseconds; Proxy is -1 if the upstream never answered.
type Latencies struct {
	Request float64
	Kong    float64
	Proxy   float64
}

// Entity is one of Kong's entities.
type Entity struct {
	ID   string
	Name string
}
