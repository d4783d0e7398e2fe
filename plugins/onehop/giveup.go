package onehop

import (
	"log/slog"
	"math"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// GiveUp ends the wait for lines that do not come. It is to be called every few seconds:
// it is called with each request too, but there may be none.
func (r *Runtime) GiveUp() { r.giveUp(r.options.Now()) }

// giveUp has the requests whose line is overdue recorded without it, and forgets those
// whose line will not come any more.
func (r *Runtime) giveUp(now time.Time) {
	if r.inFlight.due(now) {
		r.ending.Lock()
		defer r.ending.Unlock()
		r.giveUpDue(now)
	}
}

func (r *Runtime) giveUpDue(now time.Time) {
	for late := r.inFlight.takeOverdue(now, overdue); late != nil; late = r.inFlight.takeOverdue(now, overdue) {
		r.recordOverdue(late, now)
		still := *late
		still.overdue = true
		r.keep(&still)
		r.throttled(func(log *slog.Logger) {
			log.Warn("requests without an access line: they go on, or their lines are lost", "after", overdue.String(), "waiting", r.inFlight.len())
		})
	}
	r.giveUpOverdue(now, lost)
}

// giveUpOverdue forgets the requests that have a record and have waited for as long as age.
func (r *Runtime) giveUpOverdue(now time.Time, age time.Duration) {
	for gone := r.inFlight.takeLost(now, age); gone != nil; gone = r.inFlight.takeLost(now, age) {
		r.lose(gone)
	}
}

// lose is the end of a request that has a record which does not know how it ended.
func (r *Runtime) lose(gone *request) {
	r.metrics.lostLines.Inc()
	r.forget(gone)
	r.throttled(func(log *slog.Logger) {
		log.Error("access lines are lost: how their requests ended is not in the audit records")
	})
}

// giveUpAll ends all requests: nobody will get their lines.
func (r *Runtime) giveUpAll(now time.Time) {
	for late := r.inFlight.takeOverdue(now, 0); late != nil; late = r.inFlight.takeOverdue(now, 0) {
		r.recordOverdue(late, now)
		r.lose(late)
	}
	r.giveUpOverdue(now, 0)
}

// recordOverdue writes the record of a request that is under way, or whose line is lost:
// nobody knows how it ended.
func (r *Runtime) recordOverdue(late *request, now time.Time) {
	end := late.record
	end.Source = "unknown"
	end.StartedAt = float64(late.began.UnixMilli())
	end.Latencies = kongrecord.Latencies{Request: math.Round(now.Sub(late.began).Seconds() * 1000), Proxy: -1}
	untraced := *late
	untraced.traced = false // its span is exported when it ends
	if late.traced {
		end.TraceID = late.trace.Context.TraceID.String()
	}
	r.end(&untraced, &end)
}

// throttled says something at most once a second.
func (r *Runtime) throttled(say func(*slog.Logger)) {
	if held, ok := r.saidLost.Allow(r.options.Now()); ok {
		say(r.options.Logger.With("plugin", Name, "suppressed", held))
	}
}
