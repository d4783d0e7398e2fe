package correlationid

import (
	"net/http"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

func plugin(t *testing.T, settings string) *Plugin {
	t.Helper()
	loader := config.NewLoader(config.Options{Now: time.Now})
	cfg, err := loader.Load([]byte("_format_version: \"3.0\"\nplugins: [{name: correlation-id, config: " + settings + "}]"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(cfg.Plugins[0], NewWorker())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(header http.Header) *exchange.Exchange {
	x := exchange.New(nil)
	x.Header = header
	x.Conn = exchange.Conn{Number: 7, Requests: 2, ServerAddr: "127.0.0.1", ServerPort: 8000}
	return x
}

const uuidShape = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`

func TestGenerators(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ config, header, first, second string }{
		"default": {`{}`, "Kong-Request-Id", uuidShape + `#1`, uuidShape + `#2`},
		"uuid":    {`{generator: uuid, header_name: X-Id}`, "X-Id", uuidShape, uuidShape},
		"counter": {`{generator: "uuid#counter"}`, "Kong-Request-Id", uuidShape + `#1`, uuidShape + `#2`},
		"tracker": {`{generator: tracker}`, "Kong-Request-Id", `127\.0\.0\.1-8000-` + pid + `-7-2-\d+\.\d{3}`, `127\.0\.0\.1-8000-` + pid + `-7-2-\d+\.\d{3}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plugin(t, tt.config)
			for _, shape := range []string{tt.first, tt.second} {
				x := request(http.Header{})
				if err := p.Access(x); err != nil {
					t.Fatal(err)
				}
				if got := x.Header.Get(tt.header); !regexp.MustCompile("^" + shape + "$").MatchString(got) {
					t.Errorf("%s is %q, want %s", tt.header, got, shape)
				}
				if err := p.HeaderFilter(x); err != nil || len(x.RespHeader) > 0 {
					t.Errorf("response has %v, error %v; want nothing", x.RespHeader, err)
				}
			}
		})
	}
}

var pid = strconv.Itoa(os.Getpid())

// TestEcho: the client's own id stays, and everybody is told the one that there is.
func TestEcho(t *testing.T) {
	t.Parallel()
	const echo = `{echo_downstream: true, header_name: X-Id}`
	for name, tt := range map[string]struct {
		sent   http.Header
		access bool
		want   string
	}{
		"the client's":        {http.Header{"X-Id": {"mine"}}, true, "mine"},
		"an empty one":        {http.Header{"X-Id": {""}}, true, uuidShape + "#1"},
		"a new one":           {http.Header{}, true, uuidShape + "#1"},
		"no route, client's":  {http.Header{"X-Id": {"mine"}}, false, "mine"},
		"no route, a new one": {http.Header{}, false, uuidShape + "#1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, x := plugin(t, echo), request(tt.sent)
			if tt.access {
				if err := p.Access(x); err != nil {
					t.Fatal(err)
				}
				x.Header.Set("X-Id", "changed by a later plugin")
			}
			if err := p.HeaderFilter(x); err != nil {
				t.Fatal(err)
			}
			if got := x.RespHeader.Get("X-Id"); !regexp.MustCompile("^" + tt.want + "$").MatchString(got) {
				t.Errorf("told %q, want %s", got, tt.want)
			}
		})
	}
}

// TestNoHeader: Kong takes header_name: null, and fails.
func TestNoHeader(t *testing.T) {
	t.Parallel()
	p := plugin(t, `{header_name: null, echo_downstream: true}`)
	x := request(http.Header{})
	if p.Access(x) == nil || p.HeaderFilter(x) == nil {
		t.Error("no error")
	}
}
