package audit

import "fmt"

// The arrangements of the plugins.
const (
	apart  = "apart"
	oneHop = "one hop"
)

// globals are the plugins of an arrangement, for all requests.
var globals = map[string]string{
	apart: "  - name: pii-log-scrub\n  - name: trace-inject\n",
	oneHop: "  - name: gatehouse\n    config:\n      run: [pii_log_scrub, trace_inject]\n" +
		"      pii_log_scrub: {}\n      trace_inject: {}\n",
}

// config is a service of the upstream with a route for all, and one for whoever has a key.
func config(upstream, plugins string) string {
	return fmt.Sprintf(`_format_version: "3.0"
services:
  - name: orders
    url: http://%s
    routes:
      - { name: orders, paths: [/orders] }
      - name: keyed
        paths: [/keyed]
        plugins:
          - { name: key-auth, config: { hide_credentials: true, key_in_query: false } }
plugins:
%s`, upstream, globals[plugins])
}
