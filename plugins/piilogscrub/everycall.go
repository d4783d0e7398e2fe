package piilogscrub

import (
	"sync"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Kong drops log events where there are too many, and those of a process that is killed.
// Where nginx's access lines come here too, the ledger shows which requests have no
// record for that, and their lines make one.

// logging is whether a configuration's log events write a record of each request.
type logging struct {
	mu   sync.Mutex
	done func() // nil before the first log event
	over bool   // the configuration has ended
}

// expectLogs says so to the ledger with the first log event. Before it, nobody knows
// whether Kong calls them.
func (s *Scrubber) expectLogs() {
	if !s.forAll {
		return
	}
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	if s.logs.done == nil && !s.logs.over {
		s.logs.done = s.runtime.ledger.Expect()
	}
}

// logsNoMore is the end of the configuration.
func (s *Scrubber) logsNoMore() {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	s.logs.over = true
	if s.logs.done != nil {
		s.logs.done()
		s.logs.done = nil
	}
}

// unwanted tells the ledger of a request that is to have no record.
func (s *Scrubber) unwanted(e *kongrequest.Event) {
	if !s.runtime.ledger.Expects() {
		return
	}
	if request, err := e.Record(); err == nil {
		s.runtime.ledgerFailed(s.runtime.ledger.Recorded(request.Request.ID))
	}
}

// Ended tells the runtime of a request that is over, as nginx's access line does. Its log
// event is yet to come, or has just come.
func (r *Runtime) Ended(line *kongrecord.Record) { r.ledgerFailed(r.ledger.Line(line)) }

// GiveUp writes the audit records of the requests whose log event did not come. It is to
// be called every few seconds.
func (r *Runtime) GiveUp() { r.giveUp(false) }

func (r *Runtime) giveUp(all bool) {
	r.ledgerFailed(r.ledger.GiveUp(all, func(line *kongrecord.Record) {
		line.Partial = true
		r.Strictest().Ended(line, identity.Principal{})
		r.metrics.lostEvents.Inc()
	}))
}

// TakeOver goes on with the lines that wait for their log event in the last process, and
// keeps this one's in a file for the next.
func (r *Runtime) TakeOver(path string) error { return r.ledger.TakeOver(path) }

// HandOver leaves them to the next process. It is called when no event and no access line
// comes any more, and not where no process follows.
func (r *Runtime) HandOver() error { return r.ledger.HandOver() }

// Close writes the audit records of all requests that have none.
func (r *Runtime) Close() error {
	r.giveUp(true)
	return r.ledger.HandOver()
}

// ledgerFailed logs an error of the ledger's file, at most once a second.
func (r *Runtime) ledgerFailed(err error) {
	if err == nil {
		return
	}
	if held, ok := r.unkept.Allow(r.now()); ok {
		r.logger.Error("the journal of calls without an audit record cannot be written: a process that is killed loses them", "error", err, "suppressed", held)
	}
}
