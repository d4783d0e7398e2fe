// Package timeleft has the time that a page may take for its services: what the gateway
// says that the client waits, without a reserve, and never more than the BFF is set to.
package timeleft

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatehousehq/gatehouse/bff/etag"
	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/requesttimeout"
	"github.com/gatehousehq/gatehouse/internal/throttle"
)

// Options say how a request's time is read.
type Options struct {
	// Reserve is the part of what the client waits that services do not get: for the page
	// to be mapped, written, and brought to the client.
	Reserve time.Duration
	// Invalid is called for each Request-Timeout that is no value; it may be nil.
	Invalid func()
	Logger  *slog.Logger
}

// Handler has next know the time that its request has left, as its Request-Timeout header
// says. Without one, or with a value that is none, next has the time that the BFF is set
// to. A request that leaves nothing over the reserve is answered with a 504 at once: what
// came of it would come too late.
func Handler(next http.Handler, o Options) http.Handler {
	var lines throttle.Throttle
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait, err := requesttimeout.Read(r.Header)
		switch {
		case err != nil:
			if o.Invalid != nil {
				o.Invalid()
			}
			if held, ok := lines.Allow(time.Now()); ok {
				o.Logger.WarnContext(r.Context(), "the time that the client waits is taken for unknown", "error", err.Error(), "held_back", held)
			}
			next.ServeHTTP(w, r)
		case wait == 0:
			next.ServeHTTP(w, r)
		case wait <= o.Reserve:
			w.Header().Set("Cache-Control", etag.NoStore)
			problem.WriteRetry(w, problem.New(problem.TypeTooLittleTime, "Too little time", http.StatusGatewayTimeout,
				"The gateway waits for less time than a page takes. Try again."), retryAfter)
		default:
			until := time.Now().Add(wait - o.Reserve)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), untilKey{}, until)))
		}
	})
}

// retryAfter is in seconds, and for form's sake: it is the gateway that has to wait longer.
const retryAfter = 1

type untilKey struct{}

// Of is what the request of ctx leaves its services, and at most most.
func Of(ctx context.Context, most time.Duration) time.Duration {
	until, ok := ctx.Value(untilKey{}).(time.Time)
	if !ok {
		return most
	}
	return min(time.Until(until), most)
}
