package traceinject_test

import (
	"context"
	"reflect"
	"strconv"
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
		{"header with a list of its own", func(c *traceinject.Config) { c.ResponseHeader = "server-timing" }, []string{"response_header", `"server-timing"`, "X-Trace-Id"}},
		{"header with the span", func(c *traceinject.Config) { c.ResponseHeader = "Traceresponse" }, []string{"response_header", `"Traceresponse"`, "X-Trace-Id"}},
		{"header that nginx renames", func(c *traceinject.Config) { c.ResponseHeader = "X_Trace" }, []string{"response_header", `"X_Trace"`, "write X-Trace"}},
		{"network without bits", func(c *traceinject.Config) { c.TrustedCIDRs = []string{"10.0.0.0/8", "10.1.2.3"} }, []string{"trusted_cidrs[1]", `"10.1.2.3"`, "10.0.0.0/8"}},
		{"format to read", func(c *traceinject.Config) { c.Propagation.Extract = []formats.Format{"b3", "b3-single"} }, []string{"propagation.extract", `"b3-single"`, "b3, jaeger"}},
		{"format to write", func(c *traceinject.Config) { c.Propagation.Inject = []formats.Format{"preserve", "zipkin"} }, []string{"propagation.inject", `"zipkin"`}},
		{"format by default", func(c *traceinject.Config) { c.Propagation.DefaultFormat = "preserve" }, []string{"propagation.default_format", `"preserve"`}},
		{"forced below zero", func(c *traceinject.Config) { c.MaxParentSampled = -1 }, []string{"max_parent_sampled_per_second", "-1", "from 0 to 1000000"}},
		{"status that is no client's error", func(c *traceinject.Config) { c.KeepStatuses = []int{404, 503} }, []string{"keep_statuses", "503", "from 400 to 499", "keep_errors"}},
		{"slow below zero", func(c *traceinject.Config) { c.KeepSlowMS = -5 }, []string{"keep_slow_ms", "-5", "from 1 to 3600000"}},
		{"metric of no script", func(c *traceinject.Config) { c.ServerTiming = "b3" }, []string{"server_timing", `"b3"`, "none, traceparent or trace"}},
		{"header attribute that is no name", func(c *traceinject.Config) { c.HeaderAttributes = []string{"X App"} }, []string{"header_attributes", `"x app"`, "x-app-version"}},
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

// TestHeaderAttributes: no header with credentials, or that says who is asking, is told of.
func TestHeaderAttributes(t *testing.T) {
	t.Parallel()
	runtime := newRuntime(t, traceinject.Options{})
	for _, name := range []string{
		"Authorization", "proxy-authorization", "Cookie", "Set-Cookie", "apikey", "X-API-Key", "x_api_key", "X-Auth-Token", "x-authtoken", "X-Amz-Security-Token", "X-CSRF-Token",
		"X-Forwarded-Client-Cert", "x-client-secret", "X-Session-Id", "X-Goog-IAP-JWT-Assertion", "X-Hub-Signature", "X-Tenant-Id", "X-User-Id", "X-Consumer-Username",
		"X-Credential-Identifier", "X-Forwarded-User", "x-user-email", "X-Authenticated-Groups",
	} {
		config := runtime.New().(*traceinject.Config)
		config.HeaderAttributes = []string{"X-App-Version", name}
		if err := config.Provision(); err == nil || !strings.Contains(err.Error(), strconv.Quote(strings.ToLower(name))) {
			t.Errorf("%s: error %v, want one that names it", name, err)
		}
		if diff := cmp.Diff([]string{"x-app-version"}, config.HeaderAttributes); diff != "" {
			t.Errorf("%s: what is told of (-want +got):\n%s", name, diff)
		}
	}
	config := runtime.New().(*traceinject.Config)
	config.HeaderAttributes = []string{"X-App-Version", "User-Agent", "Accept-Language", "X-Client-Platform", "Sec-CH-UA", "X-Request-Id", "X-Forwarded-For"}
	if err := config.Provision(); err != nil {
		t.Errorf("headers of no secrets: %v", err)
	}
}
