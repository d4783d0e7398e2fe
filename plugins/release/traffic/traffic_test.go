package traffic_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/release/traffic"
)

const metrics = `# TYPE gatehouse_requests_total counter
gatehouse_requests_total{status_class="2xx",route="orders"} 90
gatehouse_requests_total{status_class="4xx",route="orders"} 7
gatehouse_requests_total{status_class="5xx",route="orders"} 3
gatehouse_requests_total{status_class="4xx",route="none"} 2
# TYPE gatehouse_request_duration_seconds histogram
gatehouse_request_duration_seconds_bucket{route="orders",le="0.1"} 80
gatehouse_request_duration_seconds_bucket{route="orders",le="1"} 99
gatehouse_request_duration_seconds_bucket{route="orders",le="+Inf"} 100
gatehouse_request_duration_seconds_sum{route="orders"} 9
gatehouse_request_duration_seconds_count{route="orders"} 100
# TYPE gatehouse_other gauge
gatehouse_other 1
`

func TestRead(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(metrics))
	}))
	defer server.Close()
	all, err := traffic.Read(t.Context(), server.Client(), server.URL+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	c := all["orders"]
	if c.Requests != 100 || c.Errors != 3 || c.Refused != 7 || len(c.Within) != 2 || c.Within[0].Most != 100*time.Millisecond || c.Within[1].Count != 99 {
		t.Errorf("orders: %+v", c)
	}
	if c := all["none"]; c.Requests != 2 || c.Refused != 2 {
		t.Errorf("no route: %+v", c)
	}
	if _, err := traffic.Read(t.Context(), server.Client(), server.URL+"/none"); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(metrics)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = traffic.Parse(strings.NewReader(text)) })
}
