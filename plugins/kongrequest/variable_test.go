package kongrequest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/golden"
)

// whole is the composite variable of a request to an edge.
var whole = values{
	RemoteAddr: "203.0.113.7", Method: "GET", Scheme: "https", Host: "api.example.com", ServerPort: "8443",
	RequestID: "6b3f0a1c2d4e5f60718293a4b5c6d7e8", Traceparent: "", Tracestate: "a=1, b=2",
	RequestURI: "/orders?q=%0A\xff", Connection: "close, TE", UpstreamURI: "/v1/orders",
}

func (v values) encode() string { return version + separator + strings.Join(v[:], separator) }

func TestDecode(t *testing.T) {
	t.Parallel()
	anonymous, unnamed := whole, whole
	anonymous[RemoteAddr], unnamed[Method] = "", ""
	split := whole
	split[Traceparent] = "00-1\nforged"
	tests := []struct {
		name, text string
		want       values
		err        error
	}{
		{"whole", whole.encode(), whole, nil},
		{"not installed", "", values{}, errAbsent},
		{"another release's", strings.Replace(whole.encode(), "/5", "/4", 1), values{}, errAbsent},
		{"the version alone", version, values{}, errAbsent},
		{"a part too few", strings.TrimSuffix(whole.encode(), "\n"), values{}, errMalformed},
		{"a part too many", whole.encode() + "\n", values{}, errMalformed},
		{"a separator in a part", split.encode(), values{}, errMalformed},
		{"no address", anonymous.encode(), values{}, errMalformed},
		{"no method", unnamed.encode(), values{}, errMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(tt.text)
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" && err == nil {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzDecode: what is accepted is exactly what nginx wrote, and nothing else
// reads as the same request.
func FuzzDecode(f *testing.F) {
	f.Add(whole.encode())
	f.Add("")
	f.Add(version + strings.Repeat("\n", int(count)))
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decode(text)
		if err != nil {
			return
		}
		if again := v.encode(); again != text {
			t.Errorf("%q reads as %q", text, again)
		}
		for i, part := range v {
			if strings.Contains(part, separator) {
				t.Errorf("%s holds a separator: %q", Variable(i), part)
			}
		}
	})
}

// TestIncludeFile holds the file that operators install to what is decoded.
func TestIncludeFile(t *testing.T) {
	t.Parallel()
	golden.Check(t, "../../deploy/kong/gatehouse-request.conf", Include())
}

func TestNamesOfVariables(t *testing.T) {
	t.Parallel()
	for _, v := range Variables() {
		if v.String() == "" || !strings.Contains(Include(), "$"+v.String()) {
			t.Errorf("variable %d has the name %q, which the include file has not", int(v), v)
		}
	}
	if got := count.String(); got != fmt.Sprintf("Variable(%d)", int(count)) {
		t.Errorf("no variable is called %s", got)
	}
}
