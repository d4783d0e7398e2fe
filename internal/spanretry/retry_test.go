package spanretry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehousehq/gatehouse/internal/spanretry"
)

// outage is an exporter that fails until its end.
type outage struct {
	err   error
	end   time.Time
	tries int
}

func (o *outage) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	o.tries++
	if time.Now().Before(o.end) {
		return o.err
	}
	return nil
}

func (o *outage) Shutdown(context.Context) error { return nil }

func TestRetry(t *testing.T) {
	t.Parallel()
	away := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	refused := errors.New("400 Bad Request")
	for name, tc := range map[string]struct {
		err                 error
		lasts               time.Duration
		want                error
		minTries, maxTries  int
		outages, recoveries int // that are logged
	}{
		"a collector that is there":      {away, 0, nil, 1, 1, 0, 0},
		"one that is away for 3 seconds": {away, 3 * time.Second, nil, 3, 10, 1, 1},
		"one that stays away":            {away, time.Hour, away, 5, 20, 1, 0},
		"one that refuses the spans":     {refused, 3 * time.Second, refused, 1, 1, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				o := &outage{err: tc.err, end: time.Now().Add(tc.lasts)}
				exporter := spanretry.New(o, slog.New(slog.NewTextHandler(&log, nil)))
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				if err := exporter.ExportSpans(ctx, nil); !errors.Is(err, tc.want) {
					t.Errorf("error %v, want %v", err, tc.want)
				}
				if o.tries < tc.minTries || o.tries > tc.maxTries {
					t.Errorf("%d tries, want %d to %d", o.tries, tc.minTries, tc.maxTries)
				}
				if n := strings.Count(log.String(), "level=ERROR"); n != tc.outages {
					t.Errorf("the outage is logged %d times, want %d:\n%s", n, tc.outages, log.String())
				}
				if n := strings.Count(log.String(), "recovered"); n != tc.recoveries {
					t.Errorf("the recovery is logged %d times, want %d:\n%s", n, tc.recoveries, log.String())
				}
			})
		})
	}
}
