package propagation

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

// TestRatioIsTheSDKs: the gateway and services that use the SDK's TraceIDRatioBased
// sampler decide alike at one ratio, whichever that is, and what is recorded at a ratio is
// at each that is higher. Half of the ids are next to the bound.
func TestRatioIsTheSDKs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	ratios := []float64{0, math.SmallestNonzeroFloat64, 1e-9, 0.01, 0.1, 0.25, 0.5, 0.999, math.Nextafter(1, 0), 1}
	for range 200 {
		ratios = append(ratios, random.Float64())
	}
	for _, ratio := range ratios {
		for i := range 200 {
			right := random.Uint64()
			if bound := uint64(ratio * (1 << 63)); i%2 == 0 && ratio < 1 {
				right = bound<<1 + uint64(i) - 100 // the last bit does not count
			}
			checkRatio(t, ratio, random.Float64(), random.Uint64(), right)
		}
	}
}

func FuzzRatioIsTheSDKs(f *testing.F) {
	f.Add(0.5, 0.7, uint64(1), uint64(math.MaxInt64))
	f.Add(1.0, 0.0, uint64(0), uint64(math.MaxUint64))
	f.Add(math.NaN(), -1.0, uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, ratio, other float64, left, right uint64) { checkRatio(t, ratio, other, left, right) })
}

func checkRatio(t *testing.T, ratio, other float64, left, right uint64) {
	t.Helper()
	if math.IsNaN(ratio) || math.IsNaN(other) {
		return // which no config has
	}
	var id tracecontext.TraceID
	binary.BigEndian.PutUint64(id[:8], left)
	binary.BigEndian.PutUint64(id[8:], right)
	want := sdktrace.TraceIDRatioBased(ratio).ShouldSample(sdktrace.SamplingParameters{TraceID: trace.TraceID(id)}).Decision == sdktrace.RecordAndSample
	if got := sampledByRatio(id, ratio); got != want {
		t.Errorf("%s at %v: %v, and the SDK says %v", id, ratio, got, want)
	}
	low, high := min(ratio, other), max(ratio, other)
	if sampledByRatio(id, low) && !sampledByRatio(id, high) {
		t.Errorf("%s is recorded at %v and not at %v", id, low, high)
	}
}
