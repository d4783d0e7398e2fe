package e2e

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/otlpsink"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// TestSpansAreAsDocumented: what the tables of docs/tracing.md tick is on the spans, and
// nothing else is.
func TestSpansAreAsDocumented(t *testing.T) {
	documented := map[string]attributes{
		"gateway":  tickedIn(t, "Server spans", 1),
		"servers":  tickedIn(t, "Server spans", 2),
		"BFF call": tickedIn(t, "Client spans of a BFF", 1),
	}
	// No route lets such a method through: internal/telemetry has a test.
	delete(documented["servers"], "http.request.method_original")
	if !oneHop() {
		delete(documented["gateway"], "network.protocol.version") // as its row says
	}
	seen := map[string]attributes{"gateway": {}, "servers": {}, "BFF call": {}}
	for _, id := range tellingRequests(t) {
		eventually(t, "the spans of trace "+id, func() bool {
			all := spans(t, id, 1)
			for _, s := range all {
				if kind := columnOf(s); kind != "" {
					seen[kind].add(slices.Collect(maps.Keys(s.Attributes))...)
				}
			}
			return whole(all)
		})
	}
	for kind, ticked := range documented {
		for _, key := range slices.Sorted(maps.Keys(ticked)) {
			if !seen[kind][key] {
				t.Errorf("%s: %s is ticked, and on no span", kind, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(seen[kind])) {
			if !ticked[key] {
				t.Errorf("%s: %s is on a span, and not ticked", kind, key)
			}
		}
	}
}

// attributes are a set of keys.
type attributes map[string]bool

func (a attributes) add(keys ...string) {
	for _, key := range keys {
		a[key] = true
	}
}

// tellingRequests makes requests whose spans have, together, all that there may be, and
// returns their traces.
func tellingRequests(t *testing.T) (traces []string) {
	t.Helper()
	fault(t, services.Billing, `{"status":404}`)
	page := get(t, "/web/v1/dashboard", bearer(t, devtoken.Web, "acme", "u1")).wantStatus(t, http.StatusOK)
	fault(t, services.Orders, `{"status":500}`)
	failed := get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusInternalServerError)
	odd, err := http.NewRequestWithContext(t.Context(), "BREW", gate.proxy+"/partner/v2/orders", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	addHeaders(odd, []string{partnerKey})
	return []string{page.traceID(t), failed.traceID(t), send(t, odd).traceID(t)}
}

// columnOf is where the tables tell of a span; empty for one that they do not tell of.
func columnOf(s otlpsink.Span) string {
	_, gateway := s.Attributes["kong.request.id"]
	switch {
	case gateway && s.Kind == "server":
		return "gateway"
	case gateway:
		return ""
	case s.Kind == "server":
		return "servers"
	case s.Kind == "client" && strings.HasSuffix(s.Service, "-bff"):
		return "BFF call"
	}
	return ""
}

// whole reports whether all spans of a trace have come: the gateway's is there, and each
// that called somebody, a call itself included, has a span below it.
func whole(all []otlpsink.Span) bool {
	gateway := false
	for _, s := range all {
		kind := columnOf(s)
		_, proxied := s.Attributes["kong.service.name"]
		if (s.Kind == "client" || proxied) && len(childrenOf(all, s)) == 0 {
			return false
		}
		gateway = gateway || kind == "gateway"
	}
	return gateway
}

var keyInRow = regexp.MustCompile("`([a-z0-9_.]+)`")

// tickedIn reads which attributes a column of a table of docs/tracing.md ticks; the first
// column, of their names, is 0.
func tickedIn(t *testing.T, heading string, column int) attributes {
	t.Helper()
	text, err := os.ReadFile("../docs/tracing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n#")
	ticked := attributes{}
	for row := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), " | ")
		if len(cells) <= column || !strings.HasPrefix(strings.TrimSpace(cells[column]), "✓") {
			continue
		}
		for _, key := range keyInRow.FindAllStringSubmatch(cells[0], -1) {
			ticked.add(key[1])
		}
	}
	if len(ticked) == 0 {
		t.Fatalf("docs/tracing.md ticks nothing under %q", heading)
	}
	return ticked
}
