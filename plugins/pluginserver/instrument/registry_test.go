package instrument

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestText(t *testing.T) {
	t.Parallel()
	var r Registry
	requests := r.Counter("requests_total", "Requests.", "route", "code")
	requests(`a "b" \ c`+"\n", "200").Add(2)
	requests("x", "500").Inc()
	r.Counter("never_total", "Of which there is no series.", "route")
	open := r.Gauge("open", "Open connections.")()
	open.Set(3)
	open.Inc()
	open.Dec()
	open.Dec()
	r.ReadGauge("age_seconds", "How old it is.", []string{"of"}, []string{"it"}, func() float64 { return 1.5 })
	took := r.Histogram("took_seconds", "How long it took.", []float64{0.1, 1}, "phase")("log")
	for _, value := range []float64{0.05, 0.1, 0.5, 7} {
		took.Observe(value)
	}
	want := `# HELP age_seconds How old it is.
# TYPE age_seconds gauge
age_seconds{of="it"} 1.5
# HELP open Open connections.
# TYPE open gauge
open 2
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",route="a \"b\" \\ c\n"} 2
requests_total{code="500",route="x"} 1
# HELP took_seconds How long it took.
# TYPE took_seconds histogram
took_seconds_bucket{phase="log",le="0.1"} 2
took_seconds_bucket{phase="log",le="1"} 3
took_seconds_bucket{phase="log",le="+Inf"} 4
took_seconds_sum{phase="log"} 7.65
took_seconds_count{phase="log"} 4
`
	if diff := cmp.Diff(want, string(r.Text())); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// TestManyAtOnce counts on many goroutines, and makes instruments meanwhile.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var r Registry
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 1000 {
				r.Counter("n_total", "Of all.")().Inc()
			}
		})
	}
	running.Wait()
	if want := "# HELP n_total Of all.\n# TYPE n_total counter\nn_total 8000\n"; string(r.Text()) != want {
		t.Errorf("text %s, want %s", r.Text(), want)
	}
}

// TestCountingAllocatesNothing: it happens several times in each event.
func TestCountingAllocatesNothing(t *testing.T) {
	var r Registry
	for name, meter := range map[string]Meter{"registry": &r, "discard": Discard} {
		counter, gauge := meter.Counter("n_total", "")(), meter.Gauge("g", "")()
		histogram := meter.Histogram("h", "", []float64{1, 2})()
		allocs := testing.AllocsPerRun(100, func() {
			counter.Inc()
			gauge.Dec()
			histogram.Observe(1.5)
		})
		if allocs > 0 {
			t.Errorf("%s: %v allocations, want none", name, allocs)
		}
	}
}
