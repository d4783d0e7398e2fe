package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// mistake is a config of a plugin with something wrong in it.
type mistake struct {
	name   string
	plugin string
	config map[string]any // fields that it has beside those of the gateway's config
}

type fields = map[string]any

// refusedMistakes are what one field, or two, can get wrong: the gateway knows from the
// plugin's schema. field is named in its answer.
var refusedMistakes = []struct {
	mistake
	field string
}{
	{mistake{"network without bits", "trace-inject", fields{"trusted_cidrs": []string{"10.0.0.1"}}}, "trusted_cidrs"},
	{mistake{"network by name", "trace-inject", fields{"trusted_cidrs": []string{"10.0.0.0/8", "office/24"}}}, "trusted_cidrs"},
	{mistake{"header with a space", "trace-inject", fields{"response_header": "X Trace"}}, "response_header"},
	{mistake{"header that a response needs", "trace-inject", fields{"response_header": "Content-Length"}}, "response_header"},
	{mistake{"the same in small letters", "trace-inject", fields{"response_header": "content_length"}}, "response_header"},
	{mistake{"header that nginx renames", "trace-inject", fields{"response_header": "X_Trace"}}, "response_header"},
	{mistake{"header that a browser obeys", "trace-inject", fields{"response_header": "access-control-allow-origin"}}, "response_header"},
	{mistake{"another country's date", "sunset-headers", fields{"sunset_at": "30.06.2027"}}, "sunset_at"},
	{mistake{"date without an offset", "sunset-headers", fields{"deprecated_at": "2026-01-15T00:00:00"}}, "deprecated_at"},
	{mistake{"a year that stands for none", "sunset-headers", fields{"sunset_at": "0001-01-01"}}, "sunset_at"},
	{mistake{"an offset of a day", "sunset-headers", fields{"sunset_at": "2027-06-30T12:00:00+24:00"}}, "sunset_at"},
	{mistake{"relative successor", "sunset-headers", fields{"successor": "v2/orders"}}, "successor"},
	{mistake{"port that is none", "sunset-headers", fields{"documentation": "http://h:99999/"}}, "documentation"},
	{mistake{"link without a host", "sunset-headers", fields{"policy": "https://:80/"}}, "policy"},
	{mistake{"link with a password", "sunset-headers", fields{"successor": "https://user:pw@h/"}}, "successor"},
	{mistake{"brownout with two ends", "sunset-headers", fields{"brownouts": []fields{{"start_at": "2027-01-01", "end_at": "2027-01-02", "duration_seconds": 60}}}}, "end_at"},
	{mistake{"Redis without a scheme", "tenant-rate-limit", fields{"redis": fields{"url": "localhost:6379"}}}, "url"},
	{mistake{"Redis over HTTP", "tenant-rate-limit", fields{"redis": fields{"url": "http://redis:6379"}}}, "url"},
	{mistake{"Redis with a slip", "tenant-rate-limit", fields{"redis": fields{"url": "redis//redis"}}}, "url"},
	{mistake{"port of a Redis that is none", "tenant-rate-limit", fields{"redis": fields{"url": "redis://h:99999"}}}, "url"},
	{mistake{"name that no header holds", "tenant-rate-limit", fields{"limits": []fields{{"name": "é", "scope": []string{"tenant"}, "limit": 1, "window_seconds": 1}}}}, "name"},
	{mistake{"limit without a window", "tenant-rate-limit", fields{"limits": []fields{{"name": "l", "scope": []string{"tenant"}, "limit": 1}}}}, "window_seconds"},
	{mistake{"scope without its claim", "tenant-rate-limit", fields{"limits": []fields{{"name": "l", "scope": []string{"claim"}, "limit": 1, "window_seconds": 1}}}}, "claim"},
	{mistake{"unknown kind", "pii-log-scrub", fields{"actions": fields{"mail": "redact"}}}, "actions"},
	{mistake{"template without braces", "pii-log-scrub", fields{"path_templates": []string{"/users/*"}}}, "path_templates"},
	{mistake{"short key", "pii-log-scrub", fields{"pseudonym_key": "short", "pseudonym_key_id": "k1"}}, "pseudonym_key"},
}

// TestMistakesAreRefused wants the gateway itself to refuse what a schema can say, by
// name, and to go on with what runs.
func TestMistakesAreRefused(t *testing.T) {
	for _, tt := range refusedMistakes {
		t.Run(tt.plugin+" "+tt.name, func(t *testing.T) {
			a := postConfig(t, tt.made(t)).wantStatus(t, http.StatusBadRequest)
			if !strings.Contains(string(a.body), tt.field) {
				t.Errorf("the refusal does not name %s: %s", tt.field, a.body)
			}
		})
	}
	get(t, "/partner/v2/orders", partnerKey).wantStatus(t, http.StatusOK)
}

// acceptedMistakes are what only code can know: the plugin goes its declared way.
var acceptedMistakes = []struct {
	mistake
	// reason is in the plugin server's detail.
	reason string
	// check looks at answers under the config; nil for none but that they are good.
	check func(t *testing.T, a answer)
}{
	{mistake{"no such network", "trace-inject", fields{"trusted_cidrs": []string{"300.0.0.0/8"}}}, "trusted_cidrs[0]", func(t *testing.T, a answer) {
		t.Helper()
		a.traceID(t)
	}},
	{mistake{"no such day", "sunset-headers", fields{"sunset_at": "2027-02-31"}}, "sunset_at", wantHeaders("Deprecation", "Link", "!Sunset")},
	{mistake{"a year that no header can say", "sunset-headers", fields{"sunset_at": "9999-12-31T23:59:59-23:59"}}, "sunset_at", wantHeaders("Deprecation", "Link", "!Sunset")},
	{mistake{"ended before it was deprecated", "sunset-headers", fields{"sunset_at": "2025-01-01"}}, "sunset_at", wantHeaders("Link", "!Sunset", "!Deprecation")},
	{mistake{"a link that is none", "sunset-headers", fields{"documentation": "/%zz"}}, "documentation", wantHeaders("Deprecation", "Sunset")},
	{mistake{"expression that matches nothing at all", "pii-log-scrub", fields{"patterns": []fields{{"name": "a", "regex": "x*"}}}}, `pattern "a"`, nil},
	{mistake{"expression that is broken", "pii-log-scrub", fields{"patterns": []fields{{"name": "a", "regex": "("}}}}, "missing closing )", nil},
	{mistake{"expression for another engine", "pii-log-scrub", fields{"patterns": []fields{{"name": "a", "regex": "C(?=-)"}}}}, "RE2", nil},
	{mistake{"a hashed card", "pii-log-scrub", fields{"actions": fields{"card": "pseudonym"}}}, "card", nil},
	{mistake{"unknown zone", "tenant-rate-limit", fields{"limits": []fields{
		{"name": "good", "scope": []string{"user", "route"}, "limit": 1000, "window_seconds": 60},
		{"name": "bad", "scope": []string{"user"}, "limit": 1, "algorithm": "calendar", "period": "day", "time_zone": "Europe/Berln"},
	}}}, "limits[1].time_zone", wantPolicy(`"good";q=1000`, `"user-default"`, `!"bad"`)},
	{mistake{"unknown plan", "tenant-rate-limit", fields{"default_plan": "gold"}}, "default_plan", wantPolicy(`"user-default"`)},
	{mistake{"limit that is less than a request costs", "tenant-rate-limit", fields{
		"limits": []fields{{"name": "small", "scope": []string{"user", "route"}, "limit": 500, "window_seconds": 60}},
		"costs":  []fields{{"methods": []string{"POST"}, "cost": 501}},
	}}, "limits[0]", wantPolicy(`"user-default"`, `"small";q=500`)},
	{mistake{"Redis without a port", "tenant-rate-limit", fields{"redis": fields{"url": "redis://redis:port"}}}, "redis.url", wantPolicy(`"user-default"`)},
}

func wantHeaders(names ...string) func(*testing.T, answer) {
	return func(t *testing.T, a answer) {
		t.Helper()
		for _, name := range names {
			name, none := strings.CutPrefix(name, "!")
			if (a.header.Get(name) == "") != none {
				t.Errorf("%s is %q, want none: %v", name, a.header.Get(name), none)
			}
		}
	}
}

func wantPolicy(parts ...string) func(*testing.T, answer) {
	return func(t *testing.T, a answer) {
		t.Helper()
		policy := a.header.Get("RateLimit-Policy")
		for _, part := range parts {
			part, none := strings.CutPrefix(part, "!")
			if strings.Contains(policy, part) == none {
				t.Errorf("RateLimit-Policy is %q; %s is in it: %v", policy, part, none)
			}
		}
	}
}

// TestMistakesDegrade wants every request under a config that the gateway has accepted to
// be answered, the mistake to be told wherever an operator looks, and the plugin to do
// what is right in its config.
func TestMistakesDegrade(t *testing.T) {
	for _, tt := range acceptedMistakes {
		t.Run(tt.plugin+" "+tt.name, func(t *testing.T) {
			if tt.plugin == "sunset-headers" { // a date that cannot be said
				mayBreakContract(t)
			}
			restore := useConfig(t, tt.make)
			defer restore()
			var a answer
			for range 5 {
				a = get(t, "/partner/v1/orders", partnerKey).wantStatus(t, http.StatusOK)
				if tt.check != nil {
					tt.check(t, a)
				}
			}
			wantToldDegraded(t, tt.plugin, tt.reason)
			wantAuditWord(t, a.header.Get("X-Kong-Request-Id"), tt.plugin, "degraded")
		})
	}
	get(t, "/partner/v1/orders", partnerKey).wantStatus(t, http.StatusOK)
}

// TestDegradedLimiterLimits: what is right in its config refuses, and is called so.
func TestDegradedLimiterLimits(t *testing.T) {
	m := mistake{plugin: "tenant-rate-limit", config: fields{"limits": []fields{
		{"name": "two", "scope": []string{"consumer", "route"}, "algorithm": "fixed_window", "limit": 2, "window_seconds": 86400},
		{"name": "bad", "scope": []string{"user"}, "limit": 9, "window_seconds": 1, "lease": 10},
	}}}
	defer useConfig(t, m.make)()
	words := map[string]int{}
	for range 5 {
		a := get(t, "/partner/v2/orders", partnerKey)
		if a.status != http.StatusOK && a.status != http.StatusTooManyRequests {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		word := map[int]string{http.StatusOK: "degraded", http.StatusTooManyRequests: "limited"}[a.status]
		wantAuditWord(t, a.header.Get("X-Kong-Request-Id"), m.plugin, word)
		words[word]++
	}
	if words["limited"] != 3 {
		t.Errorf("%v, want 3 of 5 limited", words)
	}
}

// TestDegradedScrubberDropsTexts: the audit record holds none of a client's, and
// nginx's lines are scrubbed all the same.
func TestDegradedScrubberDropsTexts(t *testing.T) {
	m := mistake{plugin: "pii-log-scrub", config: fields{
		"fields": []string{"order_ref"}, "never_fields": []string{"password"}, "patterns": []fields{{"name": "a", "regex": "x*"}},
	}}
	defer useConfig(t, m.make)()
	a := get(t, "/partner/v2/orders?order_ref=blue-heron&password=grey-heron", partnerKey).wantStatus(t, http.StatusOK)
	id := a.header.Get("X-Kong-Request-Id")
	wantAuditWord(t, id, m.plugin, "degraded")
	if got := auditRecords(t, id)[0]; got.Path != "[dropped]" || got.Method != "[dropped]" {
		t.Errorf("the audit record says %s %s, want texts dropped", got.Method, got.Path)
	}
	for _, text := range []string{"blue-heron", "grey-heron"} {
		if strings.Contains(logs(t), text) {
			t.Errorf("%s is in the logs", text)
		}
	}
}

// made is the gateway's config with the mistake in it.
func (m mistake) made(t *testing.T) []byte {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal(gate.config, &config); err != nil {
		t.Fatal(err)
	}
	m.make(config)
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// make adds the mistake to the config of every plugin of the name, or of the section of
// the one-hop plugin.
func (m mistake) make(config map[string]any) {
	lists := []any{config["plugins"]}
	for _, service := range config["services"].([]any) {
		lists = append(lists, service.(map[string]any)["plugins"])
	}
	for _, list := range lists {
		entries, _ := list.([]any)
		for _, entry := range entries {
			m.change(entry.(map[string]any))
		}
	}
}

func (m mistake) change(entry map[string]any) {
	at := entry
	key := "config"
	if entry["name"] == "gatehouse" {
		at, key = entry["config"].(map[string]any), strings.ReplaceAll(m.plugin, "-", "_")
		if _, runs := at[key]; !runs {
			return
		}
	} else if entry["name"] != m.plugin {
		return
	}
	if at[key] == nil {
		at[key] = map[string]any{}
	}
	for name, value := range m.config {
		at[key].(map[string]any)[name] = value
	}
}

// server is the plugin that the plugin server knows a plugin as.
func server(plugin string) string {
	if oneHop() && plugin != "sunset-headers" { // which runs beside it
		return "gatehouse"
	}
	return plugin
}

// wantToldDegraded wants the plugin server's health and metrics to name the plugin and
// the reason, and to be healthy.
func wantToldDegraded(t *testing.T, plugin, reason string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate.metrics+"/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	ready := string(send(t, req).wantStatus(t, http.StatusOK).body)
	line := regexp.MustCompile(`(?m)^degraded: ` + server(plugin) + `: .*` + regexp.QuoteMeta(reason))
	if !line.MatchString(ready) {
		t.Errorf("/readyz does not say %s: %s", line, ready)
	}
	series := regexp.MustCompile(fmt.Sprintf(`(?m)^gatehouse_pluginserver_degraded_instances\{plugin=%q\} [1-9]`, server(plugin)))
	if !series.MatchString(pluginServerMetrics(t)) {
		t.Errorf("the metrics lack %s", series)
	}
}

// wantAuditWord wants the audit record of a request to say what the plugin decided.
func wantAuditWord(t *testing.T, requestID, plugin, word string) {
	t.Helper()
	var records []auditRecord
	eventually(t, "an audit record of request "+requestID, func() bool {
		records = auditRecords(t, requestID)
		return len(records) > 0
	})
	if oneHop() && plugin == "sunset-headers" {
		return // which runs beside it, and its word is not in the record
	}
	if got := records[0].Policies[plugin]; got != word {
		t.Errorf("the audit record says %q of %s, want %q", got, plugin, word)
	}
}
