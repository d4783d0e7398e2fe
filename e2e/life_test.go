package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// noRedirects tells of a redirect in place of following it.
var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// askOnce is [ask] by noRedirects.
func askOnce(t *testing.T, method, path string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, gate.proxy+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	addHeaders(req, headers)
	return sendBy(t, noRedirects, req)
}

// date is a time from now, as operators write it.
func date(in time.Duration) string { return time.Now().Add(in).UTC().Format(time.RFC3339) }

const aDay = 24 * time.Hour

// lives are versions at all times of their lives, now.
func lives() map[string]fields {
	deprecated := func(more fields) fields {
		life := fields{"deprecated_at": date(-30 * aDay), "sunset_at": date(30 * aDay), "successor": "/partner/v2/orders{+rest}"}
		for name, value := range more {
			life[name] = value
		}
		return life
	}
	hour := []fields{{"start_at": date(-time.Hour), "duration_seconds": 7200}}
	now := time.Now().UTC()
	daily := []fields{{
		"first_day": now.Add(-8 * aDay).Format(time.DateOnly), "time_of_day": now.Add(-time.Hour).Format("15:04"), "every_days": 1, "minutes": []int{1, 120},
	}}
	ended := date(-aDay)
	return map[string]fields{
		"life-announced": {"deprecated_at": date(aDay), "sunset_at": date(30 * aDay)},
		"life-dated":     deprecated(nil),
		"life-brownout":  deprecated(fields{"brownouts": hour}),
		"life-daily":     deprecated(fields{"brownout_schedules": daily}),
		"life-share":     deprecated(fields{"brownout_shares": []fields{{"start_at": date(-time.Hour), "end_at": date(aDay), "from_percent": 100, "to_percent": 100}}}),
		"life-last":      deprecated(fields{"brownout_shares": []fields{{"start_at": date(-time.Hour), "from_percent": 100, "to_percent": 100}}}),
		"life-dry":       deprecated(fields{"brownouts": hour, "dry_run": true}),
		"life-gone":      deprecated(fields{"sunset_at": ended}),
		"life-warn":      deprecated(fields{"sunset_at": ended, "after_sunset": "warn"}),
		"life-moved":     deprecated(fields{"sunset_at": ended, "after_sunset": "redirect"}),
		"life-dry-moved": deprecated(fields{"sunset_at": ended, "after_sunset": "redirect", "dry_run": true}),
	}
}

// TestAllTimesOfALife: each stage of a version, whichever gateway runs it.
func TestAllTimesOfALife(t *testing.T) {
	restore := useConfig(t, func(config map[string]any) {
		routes := map[string][]any{}
		for name, life := range lives() {
			routes[name] = []any{kongPlugin("sunset-headers", life)}
		}
		addKongPlugins(t, config, routes)
	})
	defer restore()
	tests := []struct {
		method, path string
		status       int
		word         string // of the audit record
	}{
		{"GET", "/life-announced", 200, "announced"},
		{"GET", "/life-dated", 200, "deprecated"},
		{"GET", "/life-brownout", 503, "brownout"},
		{"HEAD", "/life-brownout", 405, "deprecated"}, // of the service, which has no HEAD
		{"GET", "/life-daily", 503, "brownout"},
		{"GET", "/life-share", 503, "brownout"},
		{"HEAD", "/life-share", 405, "deprecated"},
		{"GET", "/life-last", 503, "brownout"}, // up to its end
		{"GET", "/life-dry", 200, "dry-run-brownout"},
		{"GET", "/life-gone", 410, "gone"},
		{"GET", "/life-warn", 200, "overdue"},
		{"GET", "/life-moved/4711?a=%20b", 308, "redirected"},
		{"POST", "/life-moved", 410, "gone"},
		{"GET", "/life-dry-moved", 200, "dry-run-redirected"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			a := askOnce(t, tt.method, tt.path, partnerKey)
			if a.status != tt.status {
				t.Fatalf("status %d, want %d: %s", a.status, tt.status, a.body)
			}
			for _, name := range []string{"Deprecation", "Sunset"} {
				if values := a.header.Values(name); len(values) != 1 {
					t.Errorf("%s: %q", name, values)
				}
			}
			if retry := a.header.Get("Retry-After"); (retry != "") != (tt.status == 503 && tt.path != "/life-last") {
				t.Errorf("Retry-After: %q with status %d", retry, tt.status)
			}
			if tt.status == 308 {
				wantHeader(t, a.header, "Location", "/partner/v2/orders/4711?a=%20b")
			}
			wantAuditWord(t, a.header.Get("X-Kong-Request-Id"), "sunset-headers", tt.word)
		})
	}
}

// serviceSays are what a service of its own says of its life, by path, beside the
// gateway's @1768435200 and 30 June 2099.
var serviceSays = map[string]http.Header{
	"/nothing": {},
	"/sooner":  {"Deprecation": {"@1768435199"}, "Sunset": {"Mon, 29 Jun 2099 23:59:59 GMT"}, "Link": {`</terms>; rel="terms-of-service"`}},
	"/later":   {"Deprecation": {"@1768435201"}, "Sunset": {"Tue, 30 Jun 2099 00:00:01 GMT"}},
	"/invalid": {"Deprecation": {"true"}, "Sunset": {"soon", "30 June 2027"}},
	"/days":    {"Deprecation": {"@999999999"}, "Sunset": {"Thu, 29 Feb 2024 00:00:00 GMT"}},
	"/zero":    {"Deprecation": {"@0"}, "Sunset": {"Sat, 31 Dec 2016 23:59:60 GMT"}},
	"/month":   {"Deprecation": {"@-1"}, "Sunset": {"Wed, 30 Foo 2021 00:00:00 GMT"}},
	"/day":     {"Deprecation": {"@10000000000"}, "Sunset": {"Wed, 99 Jun 2021 99:00:00 GMT"}},
	"/june":    {"Deprecation": {"@0000000000000001"}, "Sunset": {"Wed, 31 Jun 2021 00:00:00 GMT"}},
	"/leap":    {"Sunset": {"Tue, 29 Feb 2022 00:00:00 GMT"}},
	"/hour":    {"Sunset": {"Wed, 30 Jun 2021 24:00:00 GMT"}},
}

// TestServiceWithALifeOfItsOwn: a client gets one date of each kind, the earlier, and all
// links; where the gateway says nothing, what the service says.
func TestServiceWithALifeOfItsOwn(t *testing.T) {
	needHere(t)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, lines := range serviceSays[r.URL.Path] {
			w.Header()[name] = lines
		}
	}))
	defer service.Close()
	restore := useConfig(t, func(config map[string]any) {
		config["upstreams"] = append(config["upstreams"].([]any), map[string]any{
			"name": "own-life.upstream", "targets": []any{map[string]any{"target": service.Listener.Addr().String()}},
		})
		for _, name := range []string{"own-life", "own-life-only"} {
			entity := map[string]any{
				"name": name, "protocol": "http", "host": "own-life.upstream",
				"routes": []any{map[string]any{"name": name, "paths": []string{"/" + name}}},
			}
			if name == "own-life" {
				entity["plugins"] = []any{kongPlugin("sunset-headers", fields{"deprecated_at": "2026-01-15", "sunset_at": "2099-06-30", "successor": "/v2"})}
			}
			config["services"] = append(config["services"].([]any), entity)
		}
	})
	defer restore()
	const ourDeprecation, ourSunset, ourLink = "@1768435200", "Tue, 30 Jun 2099 00:00:00 GMT", `</v2>; rel="successor-version"`
	tests := []struct {
		path                string
		deprecation, sunset string
		links               []string
	}{
		{"/own-life/nothing", ourDeprecation, ourSunset, []string{ourLink}},
		{"/own-life/sooner", "@1768435199", "Mon, 29 Jun 2099 23:59:59 GMT", []string{ourLink, `</terms>; rel="terms-of-service"`}},
		{"/own-life/later", ourDeprecation, ourSunset, []string{ourLink}},
		{"/own-life/invalid", ourDeprecation, ourSunset, []string{ourLink}},
		{"/own-life/days", "@999999999", "Thu, 29 Feb 2024 00:00:00 GMT", []string{ourLink}},
		{"/own-life/zero", "@0", "Sat, 31 Dec 2016 23:59:60 GMT", []string{ourLink}},
		{"/own-life/month", ourDeprecation, ourSunset, []string{ourLink}},
		{"/own-life/day", ourDeprecation, ourSunset, []string{ourLink}},
		{"/own-life/june", ourDeprecation, ourSunset, []string{ourLink}},
		{"/own-life/leap", ourDeprecation, ourSunset, []string{ourLink}},
		{"/own-life/hour", ourDeprecation, ourSunset, []string{ourLink}},
		{"/own-life-only/sooner", "@1768435199", "Mon, 29 Jun 2099 23:59:59 GMT", []string{`</terms>; rel="terms-of-service"`}},
		{"/own-life-only/later", "@1768435201", "Tue, 30 Jun 2099 00:00:01 GMT", nil},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			a := get(t, tt.path).wantStatus(t, http.StatusOK)
			wantHeader(t, a.header, "Deprecation", tt.deprecation)
			wantHeader(t, a.header, "Sunset", tt.sunset)
			if got := strings.Join(a.header.Values("Link"), ", "); got != strings.Join(tt.links, ", ") {
				t.Errorf("Link: %s, want %s", got, tt.links)
			}
		})
	}
	eventually(t, "an access line that says so", func() bool { return hasLine(t, `"service_sooner":"Deprecation,Sunset"`) })
	eventually(t, "the metric of it", func() bool {
		return strings.Contains(pluginServerMetrics(t), `gatehouse_sunset_service_sooner_total{header="Sunset"} 3`)
	})
}

// TestLifeBySeconds walks a version from its announcement past its end, by its dates alone:
// no config changes on the way. A sample may be of either side of a date that it spans.
func TestLifeBySeconds(t *testing.T) {
	notShort(t)
	// Where loading the config takes longer, the walk begins later in the life.
	start := time.Now().Add(5 * time.Second).Truncate(time.Second)
	second := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	turns := []struct {
		at     time.Time
		status int
	}{{time.Time{}, 200}, {second(1), 503}, {second(4), 200}, {second(5), 410}}
	restore := useConfig(t, func(config map[string]any) {
		limiter := globalSection(t, config, "tenant-rate-limit")
		clear(limiter)
		limiter["limits"] = []any{map[string]any{"name": "none", "scope": []string{"user"}, "limit": 1_000_000, "window_seconds": 1}}
		addKongPlugins(t, config, map[string][]any{"life": {kongPlugin("sunset-headers", fields{
			"deprecated_at": second(0).UTC().Format(time.RFC3339), "sunset_at": second(5).UTC().Format(time.RFC3339),
			"brownouts": []fields{{"start_at": second(1).UTC().Format(time.RFC3339), "duration_seconds": 3}},
		})}})
	})
	defer restore()
	wanted := func(at time.Time) (status int) {
		for _, turn := range turns {
			if !at.Before(turn.at) {
				status = turn.status
			}
		}
		return status
	}
	var seen []int
	for time.Now().Before(second(6)) || !slices.Contains(seen, http.StatusGone) {
		began := time.Now()
		a := get(t, "/life", partnerKey)
		// The gateway's clock is this machine's; 50 ms are for how finely it looks.
		before, after := wanted(began.Add(-50*time.Millisecond)), wanted(time.Now().Add(50*time.Millisecond))
		if a.status != before && a.status != after && time.Since(began) < time.Second {
			t.Fatalf("%v after the deprecation: status %d, want %d", began.Sub(start), a.status, after)
		}
		seen = append(seen, a.status)
		if time.Now().After(second(20)) {
			t.Fatalf("the version does not end; seen %v", seen)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if got := slices.Compact(seen); !slices.Contains(got, http.StatusServiceUnavailable) && time.Now().Before(second(8)) {
		t.Errorf("no brownout was seen: %v", got)
	}
}
