package transform

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

func TestAccess(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config string
		sent   http.Header
		want   http.Header
	}{
		"added":             {`{add: {headers: ["X-A:1:2"]}}`, http.Header{}, http.Header{"X-A": {"1:2"}}},
		"not over another":  {`{add: {headers: ["x-a:1"]}}`, http.Header{"X-A": {"7"}}, http.Header{"X-A": {"7"}}},
		"removed":           {`{remove: {headers: [x-a]}}`, http.Header{"X-A": {"7", "8"}, "X-B": {"9"}}, http.Header{"X-B": {"9"}}},
		"removed and added": {`{remove: {headers: [X-A]}, add: {headers: ["X-A:1"]}}`, http.Header{"X-A": {"7", "8"}}, http.Header{"X-A": {"1"}}},
		"another spelling":  {`{remove: {headers: [X-A]}, add: {headers: ["X-A:1"]}}`, http.Header{"X_a": {"7"}}, http.Header{"X_a": {"7"}, "X-A": {"1"}}},
		"nothing":           {`{}`, http.Header{"X-A": {"7"}}, http.Header{"X-A": {"7"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loader := config.NewLoader(config.Options{Now: time.Now})
			cfg, err := loader.Load([]byte("_format_version: \"3.0\"\nplugins: [{name: request-transformer, config: " + tc.config + "}]"))
			if err != nil {
				t.Fatal(err)
			}
			access, err := New(cfg.Plugins[0])
			if err != nil {
				t.Fatal(err)
			}
			x := exchange.New(cfg)
			x.Header = tc.sent
			if err := access(x); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, x.Header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}
