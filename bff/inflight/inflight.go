// Package inflight bounds how many requests a BFF works on at once. A request beyond
// that is refused at once, not queued: those before it wait for services, which it would
// wait for, too.
package inflight

import (
	"net/http"
	"sync/atomic"

	"github.com/gatehousehq/gatehouse/bff/etag"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// retryAfter is when a client that was refused may ask again, in seconds: most pages that
// are under way are over by then.
const retryAfter = 1

// Limit is how many requests there may be at once, and how many there are.
type Limit struct {
	most    int64
	now     atomic.Int64
	refused func()
}

// New returns a limit of most requests; refused is called for each that is refused.
func New(most int, refused func()) *Limit { return &Limit{most: int64(most), refused: refused} }

// Now is how many requests there are.
func (l *Limit) Now() int { return int(l.now.Load()) }

// Handler has next serve requests within the limit, and answers 503 beyond it.
func (l *Limit) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer l.now.Add(-1)
		if l.now.Add(1) <= l.most {
			next.ServeHTTP(w, r)
			return
		}
		l.refused()
		w.Header().Set("Cache-Control", etag.NoStore)
		problem.WriteRetry(w, problem.New(problem.TypeOverloaded, "Overloaded", http.StatusServiceUnavailable,
			"There are too many requests at once. Try again in a second."), retryAfter)
	})
}
