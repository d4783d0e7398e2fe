package backend

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

type asked interface {
	Spans(ctx context.Context, id string) ([]hops.Span, error)
	Began(ctx context.Context, from, to time.Time) ([]hops.Span, error)
}

// TestAsk asks each backend as its API is documented.
func TestAsk(t *testing.T) {
	t.Parallel()
	const unknown = "11111111111111111111111111111111"
	began := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		open    func(Client) asked
		answers map[string]string // by path and query
	}{
		"receiver": {func(c Client) asked { return &Receiver{c} }, map[string]string{
			"/traces/" + theTrace: receiverAnswer,
			"/traces?limit=200":   `[{"trace_id":"` + theTrace + `","start":"2026-11-29T12:00:00.1Z"},{"trace_id":"` + unknown + `","start":"2026-11-29T11:00:00Z"}]`,
		}},
		"Jaeger": {func(c Client) asked { return &Jaeger{c} }, map[string]string{
			"/api/traces/" + theTrace: jaegerAnswer,
			"/api/services":           `{"data":["kong"],"total":1}`,
			"/api/traces?end=1795953601000000&limit=200&service=kong&start=1795953600000000": jaegerAnswer,
		}},
		"Tempo": {func(c Client) asked { return &Tempo{c} }, map[string]string{
			"/api/traces/" + theTrace: tempoAnswer,
			"/api/search?end=1795953602&limit=200&q=%7B%7D&start=1795953600": `{"traces":[{"traceID":"af7651916cd43dd8448eb211c80319c"},{"traceID":"` + theTrace + `"}]}`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer, known := tc.answers[strings.TrimPrefix(r.URL.RequestURI(), "/base")]
				switch {
				case r.Header.Get("X-Scope-Orgid") != "t1" || r.Header.Get("Accept") != "application/json":
					w.WriteHeader(http.StatusUnauthorized)
				case !known:
					http.NotFound(w, r)
				default:
					_, _ = w.Write([]byte(answer))
				}
			}))
			defer server.Close()
			b := tc.open(Client{HTTP: server.Client(), Base: server.URL + "/base/", Header: http.Header{"X-Scope-Orgid": {"t1"}}})
			got, err := b.Spans(t.Context(), theTrace)
			if diff := cmp.Diff(want(), got); err != nil || diff != "" {
				t.Errorf("error %v, -want +got:\n%s", err, diff)
			}
			if got, err := b.Spans(t.Context(), unknown); err != nil || len(got) > 0 {
				t.Errorf("of a trace that it does not know: spans %v, error %v", got, err)
			}
			got, err = b.Began(t.Context(), began, began.Add(time.Second))
			if diff := cmp.Diff(want(), got); err != nil || diff != "" {
				t.Errorf("began: error %v, -want +got:\n%s", err, diff)
			}
			refused := tc.open(Client{HTTP: server.Client(), Base: server.URL})
			for _, err := range []error{second(refused.Spans(t.Context(), theTrace)), second(refused.Began(t.Context(), began, began))} {
				if err == nil || !strings.Contains(err.Error(), "401") {
					t.Errorf("refused: error %v", err)
				}
			}
		})
	}
}

func second(_ []hops.Span, err error) error { return err }

// TestSecretsInAddresses: a password in an address is in no error.
func TestSecretsInAddresses(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer server.Close()
	b := Receiver{Client{HTTP: server.Client(), Base: strings.Replace(server.URL, "http://", "http://user:hunter2@", 1)}}
	if _, err := b.Spans(t.Context(), theTrace); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{"http://127.0.0.1:4318": true, "https://tempo/base": true, "127.0.0.1:4318": false, "": false, "ftp://x": false, "http://": false, "http://%": false} {
		if err := Check(address); (err == nil) != good {
			t.Errorf("%q: error %v", address, err)
		}
	}
}
