package auditlog

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/gatehousehq/gatehouse/internal/throttle"
)

const (
	batchSize  = 512         // records in a request, the specification's default
	batchDelay = time.Second // that a record waits for others

	// Retries begin soon, since the queue holds the records of some seconds, and a
	// request every few seconds harms no receiver that comes back.
	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Second

	// awayLimit is for how long a receiver may take nothing, while records wait for it,
	// before the trail is broken; and for how long a refusal is news.
	awayLimit = 30 * time.Second
)

// queue holds the records that wait to be exported, up to a limit, and exports them in
// their order, one batch at a time, until the receiver has taken or refused them. Each
// record is in exactly one of its counts.
type queue struct {
	limit    int
	receiver *receiver
	logger   *slog.Logger

	mu     sync.Mutex
	counts counts
	// records wait, the oldest first; the first may be under way.
	records []sdklog.Record
	closed  bool
	full    bool      // a record was lost since one was taken
	away    time.Time // since when the receiver has taken nothing; zero: it does
	refused time.Time // when it last refused records
	last    error     // why it took none

	waiting  *os.File // how many wait, for the next process; nil: nowhere
	throttle throttle.Throttle
	batch    chan struct{}   // capacity 1: there is a whole batch
	closing  chan struct{}   // closed when there will be no more
	expired  context.Context // when nothing more is to be sent
	expire   context.CancelFunc
	done     chan struct{}
}

func newQueue(limit int, r *receiver, logger *slog.Logger) *queue {
	q := &queue{
		limit: limit, receiver: r, logger: logger,
		batch: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	q.expired, q.expire = context.WithCancel(context.Background())
	return q
}

// Enabled implements [sdklog.Processor].
func (q *queue) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit implements [sdklog.Processor]. It never waits for the receiver.
func (q *queue) OnEmit(_ context.Context, r *sdklog.Record) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		q.counts.failed++
	case len(q.records) >= q.limit:
		q.counts.full++
		q.full = true
		q.complain("audit records are lost: the queue is full", 1)
	default:
		q.records = append(q.records, r.Clone())
		q.note()
		if len(q.records) >= batchSize {
			q.signal()
		}
	}
	return nil
}

func (q *queue) signal() {
	select {
	case q.batch <- struct{}{}:
	default:
	}
}

// complain logs that records are lost, or have to wait.
func (q *queue) complain(what string, records int) {
	if held, ok := q.throttle.Allow(time.Now()); ok {
		q.logger.Error(what, "records", records, "waiting", len(q.records), "error", q.last, "suppressed", held)
	}
}

// ForceFlush implements [sdklog.Processor]. Nobody calls it.
func (q *queue) ForceFlush(context.Context) error { return nil }

// Shutdown sends what waits, for as long as ctx allows. What is left then has failed.
func (q *queue) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	first := !q.closed
	q.closed = true
	q.mu.Unlock()
	if first {
		close(q.closing)
	}
	select {
	case <-q.done:
	case <-ctx.Done():
		q.expire()
		<-q.done
	}
	return q.receiver.exporter.Shutdown(ctx)
}

// broken is why records are lost, or soon will be.
func (q *queue) broken() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.full:
		return fmt.Errorf("records are lost: the queue of %d is full: %w", q.limit, cause(q.last))
	case !q.refused.IsZero() && time.Since(q.refused) < awayLimit:
		return fmt.Errorf("records are lost: the receiver refuses them: %w", cause(q.last))
	case !q.away.IsZero() && time.Since(q.away) >= awayLimit:
		return fmt.Errorf("the receiver has taken no record since %s: %w", q.away.UTC().Format(time.RFC3339), cause(q.last))
	}
	return nil
}

// run exports until there is nothing more to come.
func (q *queue) run() {
	defer close(q.done)
	ticker := time.NewTicker(batchDelay)
	defer ticker.Stop()
	for {
		least, last := 1, false
		select {
		case <-q.batch:
			least = batchSize
		case <-ticker.C:
		case <-q.closing:
			last = true
		}
		for batch := q.oldest(); len(batch) >= least && q.expired.Err() == nil; batch = q.oldest() {
			q.deliver(batch)
		}
		if last {
			q.giveUp()
			return
		}
	}
}

// oldest are the records of the next request.
func (q *queue) oldest() []sdklog.Record {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.records[:min(len(q.records), batchSize)]
}

// deliver sends a batch until the receiver takes or refuses it, or until no more is to
// be sent.
func (q *queue) deliver(batch []sdklog.Record) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = firstRetry, lastRetry
	wait.Reset()
	hurry := q.closing
	for {
		began := time.Now()
		a, err := q.receiver.export(q.expired, batch)
		if q.settle(batch, a, err, began) {
			return
		}
		timer := time.NewTimer(max(wait.NextBackOff(), a.retryAfter))
		select {
		case <-timer.C:
		case <-hurry:
			hurry = nil // once, as little time may be left
		case <-q.expired.Done():
		}
		timer.Stop()
		if q.expired.Err() != nil {
			return
		}
	}
}

// settle counts a batch that was sent at began, unless it is to be sent again.
func (q *queue) settle(batch []sdklog.Record, a answer, err error, began time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	lost := len(batch)
	switch {
	case a.taken():
		lost = int(min(max(a.rejected, 0), int64(lost)))
	case a.passing():
		if q.expired.Err() == nil || q.last == nil { // else it is only that we end
			q.last = err
		}
		if q.away.IsZero() {
			q.away = began
			q.complain("audit records wait: the receiver takes none", 0)
		}
		return false
	}
	q.counts.failed += lost
	q.counts.exported += len(batch) - lost
	q.drop(len(batch))
	q.answered(lost, len(batch), err)
	return true
}

// answered notes that the receiver is there, and how many of so many records it refused.
func (q *queue) answered(lost, of int, err error) {
	if !q.away.IsZero() {
		q.logger.Info("the receiver of audit records answers again", "waiting", len(q.records))
	}
	q.away, q.full, q.refused = time.Time{}, false, time.Time{}
	if lost == 0 {
		return
	}
	if err == nil {
		err = fmt.Errorf("it rejected %d of %d", lost, of)
	}
	q.last, q.refused = err, time.Now()
	q.complain("audit records are lost: the receiver refuses them", lost)
}

// drop frees the places of the oldest records.
func (q *queue) drop(n int) {
	clear(q.records[:n])
	q.records = q.records[n:]
	q.note()
}

// giveUp counts what could not be sent in time.
func (q *queue) giveUp() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.records); n > 0 {
		q.counts.failed += n
		q.drop(n)
		q.logger.Error("audit records are lost: the receiver did not take them before the process ended", "lost", n, "error", q.last)
	}
}
