package serverspan

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// calls makes a client span of each try, under the server span in ctx, by the conventions
// for HTTP clients
// (https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client). The last one
// has the id that all targets were sent: it was fixed before the first try.
func (rec *Recorder) calls(ctx context.Context, t propagation.Trace, r *Request, start, end time.Time) {
	periods := periods(r.Tries, start, r.HandledAt, end)
	for i := range r.Tries {
		own := t.Context
		if own.SpanID = t.Call; i < len(r.Tries)-1 {
			own.SpanID = propagation.NewSpanID(rec.Random)
		}
		_, span := rec.Tracer.Start(context.WithValue(ctx, spanKey{}, own), r.callName(),
			trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(periods[i].start), trace.WithAttributes(r.callAttributes(i)...))
		if r.callFailure(i) != "" {
			span.SetStatus(codes.Error, "")
		}
		span.End(trace.WithTimestamp(periods[i].end))
	}
}

// callName is the method: a client knows no route of the service's.
func (r *Request) callName() string {
	if method := knownMethod(r.Method); method != otherMethod {
		return method
	}
	return "HTTP"
}

func (r *Request) callAttributes(i int) []attribute.KeyValue {
	try := &r.Tries[i]
	attrs := make([]attribute.KeyValue, 0, 6)
	attrs = append(attrs, semconv.HTTPRequestMethodKey.String(knownMethod(r.Method)), semconv.ServerAddress(try.Address))
	if try.Port != 0 {
		attrs = append(attrs, semconv.ServerPort(try.Port))
	}
	if try.Answered && try.Status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(try.Status))
	}
	if i > 0 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(i))
	}
	if failure := r.callFailure(i); failure != "" {
		attrs = append(attrs, semconv.ErrorTypeKey.String(failure))
	}
	return attrs
}

// What became of a try that nobody answered, by the status that nginx has for it.
const (
	failedTimeout    = "timeout"
	failedConnection = "connection_error"
)

// callFailure is why a try failed, and so why there was another; empty for one that did
// not.
func (r *Request) callFailure(i int) string {
	try := &r.Tries[i]
	switch {
	case try.Answered && try.Status < http.StatusBadRequest:
		return ""
	case try.Answered:
		return strconv.Itoa(try.Status)
	case try.Status == http.StatusGatewayTimeout:
		return failedTimeout
	case try.Status == http.StatusBadGateway:
		return failedConnection
	case r.failure() != 0:
		return strconv.Itoa(r.failure())
	}
	return semconv.ErrorTypeOther.Value.AsString()
}

// period is from when to when a try took.
type period struct{ start, end time.Time }

// periods are those of the tries, within the request's. Where it is known when they began,
// each ends as the next begins. nginx says only how long each took, in whole milliseconds:
// then they are put one behind the other, so that the last ends with the request, and the
// first begins by as much earlier as these may be wrong, but not before handled.
func periods(tries []kongrecord.Try, start, handled, end time.Time) []period {
	list := make([]period, len(tries))
	until := end
	for i := len(tries) - 1; i >= 0; i-- {
		from := until
		switch try := &tries[i]; {
		case try.StartedAt > 0:
			from = time.UnixMicro(int64(try.StartedAt * 1000))
		case try.Took >= 0:
			from = until.Add(-time.Duration(try.Took * float64(time.Millisecond)))
			if i == 0 {
				from = latest(from.Add(-2*nginxTick), handled)
			}
		}
		from = earliest(latest(from, start), until)
		list[i] = period{from, until}
		until = from
	}
	return list
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}
