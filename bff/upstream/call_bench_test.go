package upstream_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// BenchmarkCall is a good call, with what its policies cost.
func BenchmarkCall(b *testing.B) {
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(summary)), Request: r}, nil
	})
	for name, hedged := range map[string][]string{"plain": nil, "hedged": {"billing"}} {
		b.Run(name, func(b *testing.B) {
			clients := newHedged(b, transport, hedged...)
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := clients.BillingSummary(ctx, acme); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
