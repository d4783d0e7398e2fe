package kongrequest

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Record is a request that is over: the part of kong.log.serialize that
// Gatehouse's plugins use. Whoever knows the same from another source, such as
// nginx's access line, may fill one in.
type Record struct {
	Request struct {
		ID     string  `json:"id"`
		Method string  `json:"method"`
		URI    string  `json:"uri"`
		TLS    Present `json:"tls"`
	} `json:"request"`
	Response struct {
		Status int     `json:"status"`
		Size   float64 `json:"size"` // bytes
	} `json:"response"`
	Latencies Latencies `json:"latencies"`
	// StartedAt is when the request came in, in milliseconds since the Unix epoch.
	StartedAt float64 `json:"started_at"`
	Route     struct {
		Entity
		Paths []string `json:"paths"`
	} `json:"route"`
	Service  Entity `json:"service"`
	Consumer struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		CustomID string `json:"custom_id"`
	} `json:"consumer"`
	Credential struct {
		ID string `json:"id"`
	} `json:"authenticated_entity"`
	ClientIP string `json:"client_ip"`
	// Tries is how often an upstream was tried.
	Tries Length `json:"tries"`
	// Source is who wrote the response: upstream or kong.
	Source string `json:"source"`
	// TraceID is a string, or a table of them by format.
	TraceID any `json:"trace_id"`
	// Trace is what [Traced] left; nil if it was not called.
	Trace any `json:"-"`
	// Policies is what other plugins decided, by plugin; nil if none said so. Any
	// plugin can have written it, unless it is [Decisions].
	Policies any `json:"gatehouse"`
	// NoToken says that the note [NoToken] was left.
	NoToken bool `json:"-"`
}

// Decisions are words of our own plugins', told within the process.
type Decisions []Decision

// Decision is what a plugin decided, in a word.
type Decision struct{ Plugin, Word string }

// Latencies are in milliseconds; Proxy is -1 if the upstream never answered.
type Latencies struct {
	Request float64 `json:"request"`
	Kong    float64 `json:"kong"`
	Proxy   float64 `json:"proxy"`
}

// Entity is one of Kong's entities.
type Entity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Present is true for a field that is there and not null.
type Present bool

// UnmarshalJSON implements [json.Unmarshaler].
func (p *Present) UnmarshalJSON(text []byte) error {
	*p = string(text) != "null"
	return nil
}

// Length is a list's length. The list's content is not read.
type Length int

// UnmarshalJSON implements [json.Unmarshaler]. What is no list has no length:
// Lua's empty table may come as {}.
func (n *Length) UnmarshalJSON(text []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil {
		list = nil
	}
	*n = Length(len(list))
	return nil
}

// ParseRecord reads the JSON text of kong.log.serialize. A field of an
// unexpected type is left zero: Lua's empty table may come as {} or as [].
func ParseRecord(text []byte) (*Record, error) {
	r := new(Record)
	var mismatch *json.UnmarshalTypeError
	if err := json.Unmarshal(text, r); err != nil && !errors.As(err, &mismatch) {
		return nil, fmt.Errorf("decode log record: %w", err)
	}
	r.takeNotes()
	return r, nil
}
