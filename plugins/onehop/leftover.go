package onehop

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/internal/journal"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// What is known of the requests in flight is in a journal too, which the next process
// takes over: it gets their access lines, whether this one ends in order or is killed.

// leftover is a request in the journal: what its records need to say of it.
type leftover struct {
	Began   int64 `json:"began"` // milliseconds since the Unix epoch
	Overdue bool  `json:"overdue,omitempty"`
	Audits  bool  `json:"audits,omitempty"`

	ID           string            `json:"id"`
	Method       string            `json:"method,omitempty"`
	URI          string            `json:"uri,omitempty"`
	ClientIP     string            `json:"client_ip,omitempty"`
	Route        kongrecord.Entity `json:"route,omitzero"`
	RoutePaths   []string          `json:"paths,omitempty"`
	Service      kongrecord.Entity `json:"service,omitzero"`
	ConsumerID   string            `json:"consumer,omitempty"`
	ConsumerName string            `json:"username,omitempty"`
	Credential   string            `json:"credential,omitempty"`
	Tenant       identity.ID       `json:"tenant,omitzero"`
	User         identity.ID       `json:"user,omitzero"`
	Trace        json.RawMessage   `json:"trace,omitempty"`
	Ran          string            `json:"ran,omitempty"`
	// Decisions are nil where the request is partial.
	Decisions kongrecord.Decisions `json:"decisions,omitempty"`
	Limit     string               `json:"limit,omitempty"`
	Partial   bool                 `json:"partial,omitempty"`
}

// encode is the request as the journal has it, of at most [journal.MaxText] bytes. One of
// which there is too much to say is left with its id.
func (r *request) encode() ([]byte, error) {
	k := &r.record
	l := leftover{
		Began: r.began.UnixMilli(), Overdue: r.overdue, Audits: r.audits,
		ID: k.Request.ID, Method: k.Request.Method, URI: k.Request.URI, ClientIP: k.ClientIP,
		Route: k.Route.Entity, RoutePaths: k.Route.Paths, Service: k.Service,
		ConsumerID: k.Consumer.ID, ConsumerName: k.Consumer.Username, Credential: k.Credential.ID,
		Tenant: r.who.Tenant, User: r.who.User,
		Ran: r.ran, Decisions: r.decided(), Limit: k.Limit, Partial: k.Partial,
	}
	if r.traced {
		text, err := r.trace.Encode()
		if err != nil {
			return nil, err
		}
		l.Trace = json.RawMessage(text)
	}
	text, err := json.Marshal(&l)
	if err == nil && len(text) > journal.MaxText {
		l.URI, l.RoutePaths = "", nil
		text, err = json.Marshal(&l)
	}
	if err == nil && len(text) > journal.MaxText {
		text, err = json.Marshal(&leftover{Began: l.Began, Overdue: l.Overdue, Audits: l.Audits, ID: l.ID, Partial: true})
	}
	return text, err
}

// decode is the request that another process left.
func decode(e journal.Entry) (*request, error) {
	var l leftover
	if err := json.Unmarshal(e.Text, &l); err != nil {
		return nil, fmt.Errorf("decode a request under way: %w", err)
	}
	if l.ID == "" {
		return nil, errors.New("decode a request under way: it has no id")
	}
	r := &request{
		began: time.UnixMilli(l.Began).UTC(), complete: true, ran: l.Ran, audits: l.Audits, overdue: l.Overdue,
		who: identity.Principal{Tenant: l.Tenant, User: l.User}, slot: e.Slot, journaled: true,
	}
	k := &r.record
	k.Request.ID, k.Request.Method, k.Request.URI, k.ClientIP = l.ID, l.Method, l.URI, l.ClientIP
	k.Route.Entity, k.Route.Paths, k.Service = l.Route, l.RoutePaths, l.Service
	k.Consumer.ID, k.Consumer.Username, k.Credential.ID, k.Partial = l.ConsumerID, l.ConsumerName, l.Credential, l.Partial
	k.Limit = l.Limit
	if l.Decisions != nil {
		k.Policies = l.Decisions
	}
	if l.Trace == nil {
		return r, nil
	}
	var err error
	r.trace, err = propagation.Decode(string(l.Trace))
	r.traced = err == nil
	return r, err
}

// TakeOver keeps the requests in flight in a file for the next process, and goes on with
// those of the last one.
func (r *Runtime) TakeOver(path string) error {
	j, entries, err := journal.Open(path)
	if err != nil {
		return fmt.Errorf("keep the requests in flight: %w", err)
	}
	r.journal = j
	var left []*request
	for _, entry := range entries {
		known, err := decode(entry)
		if err != nil {
			r.metrics.lostLines.Inc()
			r.options.Logger.Error("a request of the last process is lost", "plugin", Name, "error", errors.Join(err, j.Clear(entry.Slot)))
			continue
		}
		left = append(left, known)
	}
	slices.SortFunc(left, func(a, b *request) int { return cmp.Compare(a.began.UnixMilli(), b.began.UnixMilli()) })
	for _, known := range left {
		r.inFlight.put(known)
	}
	if len(left) > 0 {
		r.options.Logger.Info("goes on with the last process's requests", "plugin", Name, "requests", len(left))
	}
	return nil
}

// HandOver leaves the requests in flight to the next process. It is called when no event
// and no access line comes any more. Without a journal they are this process's to end.
func (r *Runtime) HandOver() error {
	if r.journal == nil {
		return nil
	}
	r.inFlight.clear()
	if err := r.journal.Close(); err != nil {
		return fmt.Errorf("leave the requests in flight: %w", err)
	}
	return nil
}

// keep puts a request in flight, and in the journal, in place of what is known already.
func (r *Runtime) keep(k *request) {
	if r.journal != nil {
		if before := r.inFlight.find(k.record.Request.ID); before != nil {
			k.slot, k.journaled = before.slot, before.journaled
		}
		if !k.journaled {
			k.slot, k.journaled = r.journal.Reserve(), true
		}
		r.journalFailed(r.write(k))
	}
	r.inFlight.put(k)
}

func (r *Runtime) write(k *request) error {
	text, err := k.encode()
	if err != nil {
		return err
	}
	return r.journal.Write(k.slot, text)
}

// forget is the end of a request that is in flight no more.
func (r *Runtime) forget(k *request) {
	if k.journaled {
		r.journalFailed(r.journal.Clear(k.slot))
	}
}

func (r *Runtime) journalFailed(err error) {
	if err == nil {
		return
	}
	r.metrics.failures.WithLabelValues(sectionJournal).Inc()
	r.throttled(func(log *slog.Logger) {
		log.Error("the journal of the requests in flight cannot be written: a process that is killed loses them", "error", err)
	})
}
