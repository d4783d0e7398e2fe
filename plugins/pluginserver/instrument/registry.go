package instrument

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Registry is a Meter that keeps the metrics itself, and serves them in the text format
// of Prometheus (version 0.0.4). The zero value is empty, and ready to use.
type Registry struct {
	mu       sync.Mutex
	families map[string]*family
}

var _ Meter = (*Registry)(nil)

// family is all series of one name.
type family struct {
	name, help, kind string
	labels           []string
	buckets          []float64 // upper bounds, of a histogram

	mu     sync.Mutex
	series map[string]*series // by the text of their labels
}

// series is a metric with values for its labels: any of the kinds.
type series struct {
	value   atomic.Uint64  // of a counter or gauge, and a histogram's sum: the bits of a float64
	read    func() float64 // in place of value, where it is not nil
	buckets []float64
	counts  []atomic.Uint64 // of values in each bucket, those beyond the last included
}

// Inc implements [Counter] and [Gauge].
func (s *series) Inc() { s.Add(1) }

// Dec implements [Gauge].
func (s *series) Dec() { s.Add(-1) }

// Set implements [Gauge].
func (s *series) Set(value float64) { s.value.Store(math.Float64bits(value)) }

// Add implements [Counter].
func (s *series) Add(n float64) {
	for {
		old := s.value.Load()
		if s.value.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+n)) {
			return
		}
	}
}

// Observe implements [Histogram].
func (s *series) Observe(value float64) {
	at, _ := slices.BinarySearch(s.buckets, value)
	s.counts[at].Add(1)
	s.Add(value)
}

func (s *series) current() float64 {
	if s.read != nil {
		return s.read()
	}
	return math.Float64frombits(s.value.Load())
}

// family finds a metric by its name, or makes it.
func (r *Registry) family(name, help, kind string, labels []string, buckets []float64) *family {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.families == nil {
		r.families = map[string]*family{}
	}
	f := r.families[name]
	if f == nil {
		f = &family{name: name, help: help, kind: kind, labels: labels, buckets: buckets, series: map[string]*series{}}
		r.families[name] = f
	}
	return f
}

// with finds the series of values for the labels, or makes it.
func (f *family) with(values []string) *series {
	key := labelText(f.labels, values)
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.series[key]
	if s == nil {
		s = &series{buckets: f.buckets, counts: make([]atomic.Uint64, len(f.buckets)+1)}
		f.series[key] = s
	}
	return s
}

// Counter implements [Meter].
func (r *Registry) Counter(name, help string, labels ...string) func(...string) Counter {
	f := r.family(name, help, "counter", labels, nil)
	return func(values ...string) Counter { return f.with(values) }
}

// Gauge implements [Meter].
func (r *Registry) Gauge(name, help string, labels ...string) func(...string) Gauge {
	f := r.family(name, help, "gauge", labels, nil)
	return func(values ...string) Gauge { return f.with(values) }
}

// Histogram implements [Meter].
func (r *Registry) Histogram(name, help string, buckets []float64, labels ...string) func(...string) Histogram {
	f := r.family(name, help, "histogram", labels, buckets)
	return func(values ...string) Histogram { return f.with(values) }
}

// ReadGauge implements [Meter].
func (r *Registry) ReadGauge(name, help string, labels, values []string, read func() float64) {
	r.family(name, help, "gauge", labels, nil).with(values).read = read
}

// ServeHTTP writes the metrics.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(r.Text())
}

// Text has the metrics, sorted by name and labels.
func (r *Registry) Text() []byte {
	r.mu.Lock()
	families := slices.SortedFunc(maps.Values(r.families), func(a, b *family) int { return cmp.Compare(a.name, b.name) })
	r.mu.Unlock()
	var out bytes.Buffer
	for _, f := range families {
		f.write(&out)
	}
	return out.Bytes()
}

func (f *family) write(out *bytes.Buffer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.series) == 0 {
		return
	}
	fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
	for _, labels := range slices.Sorted(maps.Keys(f.series)) {
		s := f.series[labels]
		if f.kind == "histogram" {
			s.writeHistogram(out, f.name, labels)
			continue
		}
		writeSample(out, f.name, labels, s.current())
	}
}

// writeHistogram writes how many values are at most each bound.
func (s *series) writeHistogram(out *bytes.Buffer, name, labels string) {
	total := uint64(0)
	for i := range s.counts {
		total += s.counts[i].Load()
		bound := "+Inf"
		if i < len(s.buckets) {
			bound = number(s.buckets[i])
		}
		writeSample(out, name+"_bucket", strings.TrimPrefix(labels+`,le="`+bound+`"`, ","), float64(total))
	}
	writeSample(out, name+"_sum", labels, s.current())
	writeSample(out, name+"_count", labels, float64(total))
}

func writeSample(out *bytes.Buffer, name, labels string, value float64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	fmt.Fprintf(out, "%s%s %s\n", name, labels, number(value))
}

// number is a value as Prometheus writes it.
func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }

var escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// labelText is labels and their values, in the order of the labels' names.
func labelText(labels, values []string) string {
	texts := make([]string, len(labels))
	for i, label := range labels {
		texts[i] = label + `="` + escaped.Replace(values[i]) + `"`
	}
	slices.Sort(texts)
	return strings.Join(texts, ",")
}
