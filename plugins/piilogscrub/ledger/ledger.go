// Package ledger holds nginx's access lines against the audit records that log events
// wrote: Kong has a log event for each request, and drops it where there are too many, or
// where the process that serves it is killed. A request with a line and no record for a
// while is to have one that is made of the line alone.
package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/internal/expiring"
	"github.com/gatehousehq/gatehouse/internal/journal"
	"github.com/gatehousehq/gatehouse/internal/waiting"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

const (
	// grace is how long a log event may come after its line, and a line after its log
	// event. Kong's timers are milliseconds late, and seconds where it has too many.
	grace = 10 * time.Second
	// most bounds how many of either wait, at some 1 kB each: 3,000 a second for the grace.
	most = 32768
	// recall is how long a request is remembered whose log event was given up.
	recall = 10 * time.Minute
	// recalled bounds them.
	recalled = 16384
	// unexpected bounds the lines that wait to be told whether they are to have a record.
	unexpected = 1024
	// doubtful is how many lines in a row may have a record made of them when no log event
	// at all came after them. Kong tells nobody that a configuration is gone: then there
	// are no more log events, and no more records are wanted.
	doubtful = 3
)

// Ledger is safe for concurrent use.
type Ledger struct {
	now func() time.Time

	mu sync.Mutex
	// expected counts the configurations whose log events write a record of each request.
	// expectedBefore says that the last process had one, until there is one here.
	expected       int
	expectedBefore bool
	// heard is when the last log event came, and doubts are how many lines were given up
	// that no log event came after.
	heard  time.Time
	doubts int

	journal *journal.Journal     // nil: what is here is this process's alone
	lines   waiting.List[*entry] // without a record
	records waiting.List[*entry] // without a line
	givenUp *expiring.Cache[string, struct{}]
}

// entry is a request of which one half has come, as the journal has it.
type entry struct {
	ID string
	// Expected says that each request was to have a record when this one's half came.
	Expected bool               `json:",omitempty"`
	Line     *kongrecord.Record `json:",omitempty"` // nil for a record without a line

	since     time.Time
	slot      int // in the journal, if it is journaled
	journaled bool
}

// New is an empty ledger.
func New(now func() time.Time) *Ledger {
	return &Ledger{now: now, givenUp: expiring.New[string, struct{}](recalled)}
}

// TakeOver keeps the ledger in a file for the next process, and goes on with that of the
// last one.
func (l *Ledger) TakeOver(path string) error {
	j, left, err := journal.Open(path)
	if err != nil {
		return fmt.Errorf("keep the lines without records: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.journal = j
	var errs []error
	for _, one := range left {
		e := &entry{slot: one.Slot, journaled: true, since: l.now()}
		if err := json.Unmarshal(one.Text, e); err != nil {
			errs = append(errs, fmt.Errorf("decode a line without a record: %w", err), j.Clear(one.Slot))
			continue
		}
		if e.ID == "" {
			errs = append(errs, errors.New("decode a line without a record: it has no id"), j.Clear(one.Slot))
			continue
		}
		l.expectedBefore = l.expectedBefore || e.Expected
		l.list(e).Put(e.ID, e.since, e) // since now: their other halves may have waited for this process
	}
	return errors.Join(errs...)
}

// HandOver leaves the ledger to the next process, if it is in a file. It is called when
// nothing comes any more.
func (l *Ledger) HandOver() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.journal == nil {
		return nil
	}
	l.lines.Clear()
	l.records.Clear()
	err := l.journal.Close()
	l.journal = nil
	return err
}

func (l *Ledger) list(e *entry) *waiting.List[*entry] {
	if e.Line == nil {
		return &l.records
	}
	return &l.lines
}

// Expect says that from now on the log events of a configuration write a record of each
// request, until done is called. Without any such configuration lines are forgotten.
func (l *Ledger) Expect() (done func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected++
	l.expectedBefore = false
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.expected--
	}
}

// Expects reports whether there is such a configuration.
func (l *Ledger) Expects() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.expects()
}

func (l *Ledger) expects() bool { return l.expected > 0 || l.expectedBefore }

// Line tells of the access line of a request.
func (l *Ledger) Line(line *kongrecord.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.records.Take(line.Request.ID); ok {
		return l.clear(e)
	}
	return l.keep(&entry{ID: line.Request.ID, Line: line})
}

// Recorded tells that a log event has written the record of a request, or that none is
// wanted.
func (l *Ledger) Recorded(id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard, l.doubts = l.now(), 0
	if e, ok := l.lines.Take(id); ok {
		return l.clear(e)
	}
	if l.wasGivenUp(id) {
		return nil // its line came long ago
	}
	return l.keep(&entry{ID: id})
}

// GivenUp reports whether a request has a record that is made of its line alone, and
// whose place its log event's takes.
func (l *Ledger) GivenUp(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wasGivenUp(id)
}

func (l *Ledger) wasGivenUp(id string) bool {
	_, ok := l.givenUp.Get(id, l.now())
	return ok
}

// GiveUp has write make records of the lines that have had none for too long, or all of
// them at the end.
func (l *Ledger) GiveUp(all bool, write func(*kongrecord.Record)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, age := l.now(), grace
	if all {
		age = 0
	}
	var errs []error
	for l.lines.Older(now, age) || l.lines.Len() > most {
		e, _ := l.lines.TakeOldest()
		if l.wanted(e, all) {
			l.givenUp.Put(e.ID, struct{}{}, now.Add(recall))
			write(e.Line)
		}
		errs = append(errs, l.clear(e))
	}
	for l.records.Older(now, age) || l.records.Len() > most { // nginx could not send their lines
		e, _ := l.records.TakeOldest()
		errs = append(errs, l.clear(e))
	}
	return errors.Join(errs...)
}

// wanted reports whether a line is to have a record made of it. At the end no log event
// comes after the last lines, and that says nothing.
func (l *Ledger) wanted(e *entry, atEnd bool) bool {
	if !e.Expected && !l.expects() {
		return false
	}
	if !atEnd && l.heard.Before(e.since) {
		l.doubts++
	}
	return l.doubts <= doubtful
}

func (l *Ledger) keep(e *entry) error {
	e.Expected, e.since = l.expects() && l.doubts <= doubtful, l.now()
	l.list(e).Put(e.ID, e.since, e)
	if !e.Expected && l.lines.Len() > unexpected {
		if oldest, ok := l.lines.TakeOldest(); ok {
			return l.clear(oldest)
		}
	}
	if l.journal == nil || !e.Expected {
		return nil
	}
	e.slot, e.journaled = l.journal.Reserve(), true
	text, err := e.encode()
	if err != nil {
		return err
	}
	return l.journal.Write(e.slot, text)
}

// encode is at most [journal.MaxText] bytes: of a long line, the path is left out.
func (e *entry) encode() ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil || len(text) <= journal.MaxText {
		return text, err
	}
	short := *e.Line
	short.Request.URI, short.Request.Method = "", ""
	return json.Marshal(&entry{ID: e.ID, Expected: e.Expected, Line: &short})
}

func (l *Ledger) clear(e *entry) error {
	if !e.journaled {
		return nil
	}
	return l.journal.Clear(e.slot)
}
