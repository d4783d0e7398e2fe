package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest/kongrequesttest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// TestNoMistakeIsAn500 has the plugin server start all that Kong accepts, and all that a
// Kong of another version might: requests are answered as the plugin declares, and the
// gateway's own 503 is for who asked for it.
func TestNoMistakeIsAn500(t *testing.T) {
	t.Parallel()
	for process, url := range map[string]string{"no REDIS_URL": "", "a REDIS_URL that is none": "localhost:6379"} {
		t.Run(process, func(t *testing.T) {
			t.Parallel()
			p, err := newPlugins(url, slog.New(slog.DiscardHandler), nil, slog.DiscardHandler)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.close(context.Background()) })
			client := served(t, p.list())
			for _, f := range fields {
				for _, value := range append(append(append([]string(nil), f.wrong...), f.bad...), f.good...) {
					wantAnswered(t, client, f.plugin, f.with(value))
				}
			}
		})
	}
}

// wantAnswered runs the phases of a request under a config.
func wantAnswered(t *testing.T, client *kongtest.Client, plugin, config string) {
	t.Helper()
	id, err := client.StartInstance(plugin, []byte(config))
	if err != nil {
		t.Errorf("%s %s does not start: %v", plugin, config, err)
		return
	}
	phases := map[string][]string{"pii-log-scrub": {"rewrite", "access", "log"}, "trace-inject": {"access", "log"}, "api-version": {"rewrite"}, "gatehouse": {"rewrite", "access", "log"}}[plugin]
	if phases == nil {
		phases = []string{"access"}
	}
	for _, phase := range phases {
		effects, err := client.HandleEvent(id, phase, kongrequesttest.Installed(t, request()))
		switch {
		case err != nil:
			t.Errorf("%s %s: %s: %v", plugin, config, phase, err)
		case effects.Exit != nil && effects.Exit.Status >= http.StatusInternalServerError && !asked(config):
			t.Errorf("%s %s: %s is answered %d", plugin, config, phase, effects.Exit.Status)
		}
	}
}

// asked reports whether the config itself asks for a 503.
func asked(config string) bool {
	return strings.Contains(config, "deny") || strings.Contains(config, "brownouts")
}
