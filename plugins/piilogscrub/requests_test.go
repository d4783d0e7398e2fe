package piilogscrub

import (
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

func ended(route string, status int, milliseconds float64) *kongrecord.Record {
	r := new(kongrecord.Record)
	r.Route.Name, r.Response.Status, r.Latencies.Request = route, status, milliseconds
	return r
}

func TestRequests(t *testing.T) {
	t.Parallel()
	r := newRequests()
	r.count(ended("orders", 200, 12))
	r.count(ended("orders", 503, 900))
	r.count(ended("", 404, 1))
	corrected := ended("orders", 200, 12)
	corrected.Correction = true
	r.count(corrected)
	for labels, want := range map[[2]string]float64{{"orders", "2xx"}: 1, {"orders", "5xx"}: 1, {"", "4xx"}: 1} {
		if got := testutil.ToFloat64(r.total.WithLabelValues(labels[0], labels[1])); got != want {
			t.Errorf("%v: %v, want %v", labels, got, want)
		}
	}
	if series := testutil.CollectAndCount(r.seconds); series != 2 {
		t.Errorf("%d histograms", series)
	}
}

// TestRoutesAreBounded: configs come and go, and the series of their routes stay.
func TestRoutesAreBounded(t *testing.T) {
	t.Parallel()
	r := newRequests()
	for i := range 3 * maxRoutes {
		r.count(ended(fmt.Sprint("route-", i), 200, 1))
	}
	if series := testutil.CollectAndCount(r.total); series != maxRoutes+1 {
		t.Errorf("%d series", series)
	}
	if got := testutil.ToFloat64(r.total.WithLabelValues(otherRoutes, "2xx")); got != 2*maxRoutes {
		t.Errorf("%v requests of other routes", got)
	}
}
