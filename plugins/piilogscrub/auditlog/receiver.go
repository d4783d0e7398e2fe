package auditlog

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/internal/pemfile"
)

// answer is how an attempt to export ended.
type answer struct {
	asked      bool // a request was made
	status     int  // 0: none came
	retryAfter time.Duration
	rejected   int64 // records, of those sent
	foreign    bool  // the answer is no OTLP receiver's
}

// taken reports whether the receiver has the records, but for those that it rejected.
func (a answer) taken() bool { return a.status/100 == 2 && !a.foreign }

// passing reports whether the same request may be answered otherwise later: what the
// OTLP specification says, and a request that took too long to arrive.
func (a answer) passing() bool {
	switch a.status {
	case 0:
		return a.asked // refused, reset, timed out, no such host
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// receiver is an OTLP/HTTP receiver. It is for one goroutine.
type receiver struct {
	exporter *otlploghttp.Exporter
	base     http.RoundTripper
	last     answer
}

// newReceiver makes a receiver of the exporter's environment. The exporter says how a
// request ended in words alone, so that its answers are read on their way to it; and
// with a client given to it, it reads neither the time-out nor the certificates.
func newReceiver(base http.RoundTripper) (*receiver, error) {
	timeout, err := exportTimeout()
	if err != nil {
		return nil, err
	}
	if base == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		if transport.TLSClientConfig, err = exportTLS(); err != nil {
			return nil, err
		}
		base = transport
	}
	r := &receiver{base: base}
	r.exporter, err = otlploghttp.New(context.Background(),
		otlploghttp.WithHTTPClient(&http.Client{Transport: r, Timeout: timeout, CheckRedirect: noRedirect}),
		otlploghttp.WithRetry(otlploghttp.RetryConfig{})) // none: the queue's
	if err != nil {
		return nil, fmt.Errorf("make OTLP log exporter: %w", err)
	}
	return r, nil
}

// noRedirect has a redirect be the answer: behind it is a login page, and no receiver.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// export sends records once. The error is for people.
func (r *receiver) export(ctx context.Context, records []sdklog.Record) (answer, error) {
	r.last = answer{}
	err := r.exporter.Export(ctx, records)
	return r.last, err
}

const (
	// maxAnswer bounds an answer, in bytes: it is a number and a sentence.
	maxAnswer = 1 << 20
	// maxReason bounds what is told of an answer that refuses records.
	maxReason = 256
)

// RoundTrip implements [http.RoundTripper].
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	r.last = answer{asked: true}
	resp, err := r.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	r.last.status, r.last.retryAfter = resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	if err == nil && r.last.taken() {
		r.last.rejected, r.last.foreign = read(resp.Header.Get("Content-Type"), text)
	}
	if !r.last.taken() {
		text = bytes.Join(bytes.Fields(text[:min(len(text), maxReason)]), []byte(" ")) // one line
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, nil
}

// read is how many records an answer of success says were not taken, and whether it is
// none of a receiver's: a page of HTML, for example. An empty one is.
func read(contentType string, text []byte) (rejected int64, foreign bool) {
	if len(text) == 0 {
		return 0, false
	}
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/x-protobuf" {
		return 0, true
	}
	var m collector.ExportLogsServiceResponse
	if proto.Unmarshal(text, &m) != nil {
		return 0, true
	}
	return m.GetPartialSuccess().GetRejectedLogRecords(), false
}

// maxRetryAfter bounds what a receiver may ask for.
const maxRetryAfter = 5 * time.Minute

// retryAfter reads a Retry-After header: seconds, or a date.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(date), 0), maxRetryAfter)
	}
	return 0
}

const defaultExportTimeout = 10 * time.Second // of the specification

func exportTimeout() (time.Duration, error) {
	name, text := exportVariable("TIMEOUT")
	if text == "" {
		return defaultExportTimeout, nil
	}
	ms, err := strconv.ParseUint(text, 10, 31)
	if err != nil || ms == 0 {
		return 0, fmt.Errorf("%s=%q: write milliseconds, such as 10000", name, text)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func exportTLS() (*tls.Config, error) {
	config := new(tls.Config)
	if name, file := exportVariable("CERTIFICATE"); file != "" {
		var err error
		if config.RootCAs, err = pemfile.Pool(file); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	name, certificate := exportVariable("CLIENT_CERTIFICATE")
	if _, key := exportVariable("CLIENT_KEY"); certificate != "" && key != "" {
		pair, err := pemfile.Pair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// exportVariable reads a variable for logs, or else the one for all signals.
func exportVariable(suffix string) (name, value string) {
	name = "OTEL_EXPORTER_OTLP_LOGS_" + suffix
	if value = os.Getenv(name); value == "" {
		name = "OTEL_EXPORTER_OTLP_" + suffix
		value = os.Getenv(name)
	}
	return name, value
}
