package traceinject_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
)

func TestProvisionDefaults(t *testing.T) {
	t.Parallel()
	config := newConfig(t, traceinject.Options{}, nil)
	want := &traceinject.Config{
		Incoming: "link", SampleRatio: 1, MaxParentSampled: 100, UpstreamSpans: true, Propagation: traceinject.Propagation{DefaultFormat: "w3c"},
		Baggage: "remove", ResponseHeader: "X-Trace-Id", ServerTiming: "none",
	}
	if diff := cmp.Diff(want, config, cmpopts.IgnoreUnexported(traceinject.Config{})); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

// TestProvisionKeepsZeroes: zero is a choice of its own for some fields.
func TestProvisionKeepsZeroes(t *testing.T) {
	t.Parallel()
	config := newConfig(t, traceinject.Options{}, func(c *traceinject.Config) { c.SampleRatio, c.ResponseHeader = 0, "" })
	if config.SampleRatio != 0 || config.ResponseHeader != "" {
		t.Errorf("sample_ratio 0 became %v, response_header \"\" became %q", config.SampleRatio, config.ResponseHeader)
	}
}

func TestProvisionRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*traceinject.Config)
		want []string // parts of the error: field, value, fix
	}{
		{"incoming", func(c *traceinject.Config) { c.Incoming = "trust" }, []string{"incoming", `"trust"`, "continue, link or restart"}},
		{"baggage", func(c *traceinject.Config) { c.Baggage = "drop" }, []string{"baggage", `"drop"`, "remove or pass"}},
		{"ratio above one", func(c *traceinject.Config) { c.SampleRatio = 10 }, []string{"sample_ratio", "10", "from 0 to 1"}},
		{"ratio below zero", func(c *traceinject.Config) { c.SampleRatio = -0.1 }, []string{"sample_ratio", "-0.1", "from 0 to 1"}},
		{"header with a space", func(c *traceinject.Config) { c.ResponseHeader = "X Trace" }, []string{"response_header", `"X Trace"`, "X-Trace-Id"}},
		{"header with a line break", func(c *traceinject.Config) { c.ResponseHeader = "X-T\r\nSet-Cookie" }, []string{"response_header"}},
		{"header that a response needs", func(c *traceinject.Config) { c.ResponseHeader = "content-length" }, []string{"response_header", `"content-length"`, "X-Trace-Id"}},
		{"header that a browser obeys", func(c *traceinject.Config) { c.ResponseHeader = "strict-transport-security" }, []string{"response_header", "X-Trace-Id"}},
		{"header of a family", func(c *traceinject.Config) { c.ResponseHeader = "access-control-ALLOW-origin" }, []string{"response_header", "X-Trace-Id"}},
		{"header that nginx renames", func(c *traceinject.Config) { c.ResponseHeader = "X_Trace" }, []string{"response_header", `"X_Trace"`, "write X-Trace"}},
		{"network without bits", func(c *traceinject.Config) { c.TrustedCIDRs = []string{"10.0.0.0/8", "10.1.2.3"} }, []string{"trusted_cidrs[1]", `"10.1.2.3"`, "10.0.0.0/8"}},
		{"format to read", func(c *traceinject.Config) { c.Propagation.Extract = []formats.Format{"b3", "b3-single"} }, []string{"propagation.extract", `"b3-single"`, "b3, jaeger"}},
		{"format to write", func(c *traceinject.Config) { c.Propagation.Inject = []formats.Format{"preserve", "zipkin"} }, []string{"propagation.inject", `"zipkin"`}},
		{"format by default", func(c *traceinject.Config) { c.Propagation.DefaultFormat = "preserve" }, []string{"propagation.default_format", `"preserve"`}},
		{"several at once", func(c *traceinject.Config) { c.Incoming, c.SampleRatio = "x", 2 }, []string{"incoming", "sample_ratio"}},
	}
	runtime := newRuntime(t, traceinject.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := runtime.New().(*traceinject.Config)
			tt.edit(config)
			err := config.Provision()
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not mention %s", err, part)
				}
			}
		})
	}
}

// TestReservedHeaders: Kong's schema and Provision refuse the same names.
func TestReservedHeaders(t *testing.T) {
	t.Parallel()
	field, _ := reflect.TypeFor[traceinject.Config]().FieldByName("ResponseHeader")
	_, tagged, _ := strings.Cut(field.Tag.Get("kong"), "not_header=")
	if diff := cmp.Diff(strings.Split(tagged, "|"), traceinject.Reserved); diff != "" {
		t.Errorf("reserved names (-tag +code):\n%s", diff)
	}
}

// TestFormatsAreRead: what a format is read from is among the headers that are looked at.
func TestFormatsAreRead(t *testing.T) {
	t.Parallel()
	known := kongrequest.TraceHeaders()
	for _, format := range formats.All() {
		for _, name := range format.Headers() {
			if _, ok := known[name]; !ok && format != formats.W3C {
				t.Errorf("%s of %s is not looked at", name, format)
			}
		}
	}
}

func newRuntime(t testing.TB, o traceinject.Options) *traceinject.Runtime {
	t.Helper()
	runtime, err := traceinject.NewRuntime(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runtime.Close(context.Background()); err != nil { // t.Context has ended by now
			t.Error(err)
		}
	})
	return runtime
}

func newConfig(t testing.TB, o traceinject.Options, edit func(*traceinject.Config)) *traceinject.Config {
	t.Helper()
	config := newRuntime(t, o).New().(*traceinject.Config)
	if edit != nil {
		edit(config)
	}
	if err := config.Provision(); err != nil {
		t.Fatal(err)
	}
	return config
}
