package configcheck_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// lifecycleDay is when the configs of these tests are checked.
var lifecycleDay = time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)

// held is a check of a config against a policy; empty is the default.
func held(t *testing.T, policy, config string) configcheck.Report {
	t.Helper()
	o := configcheck.Options{Now: lifecycleDay, Lifecycle: true}
	if policy != "" {
		o.LifecycleFile = &kongyaml.File{Name: "lifecycle.yaml", Text: []byte(policy)}
	}
	return check(gatewayChecker(t, o), config)
}

// ending is a config with one partners' route, which ends as a plugin says.
func ending(config string) string {
	return "services: [{name: s, host: h, routes: [{name: r, paths: [/partner/v1/orders]}, {name: n, paths: [/partner/v2/orders]}]}]\n" +
		"plugins: [{name: sunset-headers, route: r, config: {" + config + "}}]\nconsumers: [{username: c}]"
}

const (
	dates      = `deprecated_at: "2027-01-15", sunset_at: "2027-12-01", `
	freezeFile = `{freezes: [{name: end of year, from: "12-15", to: "01-06", time_zone: Europe/Berlin}, {name: audit, from: "2027-06-25", to: "2027-07-05"}]}`
)

// TestLifecycleRules: what each rule of the policy finds in the life of a version, and where it
// would be a false alarm.
func TestLifecycleRules(t *testing.T) {
	t.Parallel()
	const here = "plugins[0].config."
	for name, tt := range map[string]struct {
		rule, policy, config string
		want                 []string
	}{
		"half a year":                      {"sunset-notice", "", ending(`deprecated_at: "2027-01-01", sunset_at: "2027-06-30"`), nil},
		"a day less":                       {"sunset-notice", "", ending(`deprecated_at: "2027-01-01", sunset_at: "2027-06-29"`), []string{here + "sunset_at"}},
		"no deprecation":                   {"sunset-notice", "", ending(`sunset_at: "2027-06-29"`), []string{here + "sunset_at"}},
		"no end":                           {"sunset-notice", "", ending(`deprecated_at: "2027-01-01"`), nil},
		"an end that has come":             {"sunset-notice", "", ending(`deprecated_at: "2026-12-01", sunset_at: "2026-12-30"`), nil},
		"a date that is none":              {"sunset-notice", "", ending(`deprecated_at: "2027-02-30", sunset_at: "2027-03-01"`), nil},
		"an end before the deprecation":    {"sunset-notice", "", ending(`deprecated_at: "2027-03-01", sunset_at: "2027-02-01"`), nil},
		"nobody's partner":                 {"sunset-notice", "", strings.ReplaceAll(ending(`deprecated_at: "2027-01-01", sunset_at: "2027-01-03"`), "/partner", ""), nil},
		"a service that is tagged":         {"sunset-notice", "", `services: [{name: s, host: h, tags: [partner], routes: [{paths: [/a]}], plugins: [{name: sunset-headers, config: {deprecated_at: "2027-01-01", sunset_at: "2027-03-01"}}]}]`, []string{"services[0].plugins[0].config.sunset_at"}},
		"a group that acl lets in":         {"sunset-notice", "", `services: [{name: s, host: h, routes: [{paths: [/a]}], plugins: [{name: acl, config: {allow: [partners]}}, {name: sunset-headers, config: {deprecated_at: "2027-01-01", sunset_at: "2027-03-01"}}]}]`, []string{"services[0].plugins[1].config.sunset_at"}},
		"an audience by a plugin":          {"sunset-notice", "notice: [{audience: machines, days: 60, plugins: [key-auth]}]", `{services: [{name: s, host: h, routes: [{paths: [/a]}], plugins: [{name: sunset-headers, config: {deprecated_at: "2027-01-01", sunset_at: "2027-03-01"}}]}], plugins: [{name: key-auth}]}`, []string{"services[0].plugins[0].config.sunset_at"}},
		"another notice":                   {"sunset-notice", "notice: [{audience: all, days: 30}]", ending(`deprecated_at: "2027-01-01", sunset_at: "2027-01-31"`), nil},
		"in one hop":                       {"sunset-notice", "", `services: [{name: s, host: h, routes: [{paths: [/partner]}], plugins: [{name: gatehouse, config: {run: [sunset_headers], sunset_headers: {deprecated_at: "2027-01-01", sunset_at: "2027-03-01"}}}]}]`, []string{"services[0].plugins[0].config.sunset_headers.sunset_at"}},
		"a section that is not run":        {"sunset-notice", "", `services: [{name: s, host: h, routes: [{paths: [/partner]}], plugins: [{name: gatehouse, config: {run: [trace_inject], sunset_headers: {deprecated_at: "2027-01-01", sunset_at: "2027-03-01"}}}]}]`, nil},
		"a plugin that is off":             {"sunset-notice", "", `services: [{name: s, host: h, routes: [{paths: [/partner]}], plugins: [{name: sunset-headers, enabled: false, config: {deprecated_at: "2027-01-01", sunset_at: "2027-03-01"}}]}]`, nil},
		"leap seconds and small letters":   {"sunset-notice", "", ending(`deprecated_at: "2026-12-31t23:59:60z", sunset_at: "2027-06-30"`), nil},
		"by the days of the policy's zone": {"sunset-notice", "{time_zone: America/New_York, notice: [{audience: all, days: 180}]}", ending(`deprecated_at: "2027-01-01T18:00:00Z", sunset_at: "2027-06-30"`), []string{here + "sunset_at"}},

		"a brownout a day later":           {"sunset-stages", "", ending(dates + `brownouts: [{start_at: "2027-01-16", duration_seconds: 60}]`), nil},
		"a brownout on the day":            {"sunset-stages", "", ending(dates + `brownouts: [{start_at: "2027-01-15T18:00:00Z", duration_seconds: 60}]`), []string{here + "brownouts[0].start_at"}},
		"the first of two":                 {"sunset-stages", "", ending(dates + `brownouts: [{start_at: "2027-06-01", duration_seconds: 60}, {start_at: "2027-01-15T18:00:00Z", duration_seconds: 60}]`), []string{here + "brownouts[1].start_at"}},
		"a schedule on the day":            {"sunset-stages", "", ending(dates + `brownout_schedules: [{first_day: "2027-01-15", time_of_day: "10:00", minutes: [60]}]`), []string{here + "brownout_schedules[0].first_day"}},
		"a schedule on the day, by a zone": {"sunset-stages", "", ending(`deprecated_at: "2027-01-14T20:00:00Z", brownout_schedules: [{first_day: "2027-01-15", time_of_day: "06:00", time_zone: Asia/Tokyo, minutes: [60]}]`), []string{here + "brownout_schedules[0].first_day"}},
		"a share on the day":               {"sunset-stages", "", ending(dates + `brownout_shares: [{start_at: "2027-01-15", to_percent: 50}]`), []string{here + "brownout_shares[0].start_at"}},
		"a share a day later":              {"sunset-stages", "", ending(dates + `brownout_shares: [{start_at: "2027-01-16", to_percent: 50}]`), nil},
		"a dry run":                        {"sunset-stages", "", ending(dates + `dry_run: true, brownouts: [{start_at: "2027-01-15", duration_seconds: 60}]`), nil},
		"a brownout that is over":          {"sunset-stages", "", ending(`deprecated_at: "2026-12-01", brownouts: [{start_at: "2026-12-01", duration_seconds: 60}]`), nil},
		"a longer stage":                   {"sunset-stages", "stages: {deprecated_days: 30}", ending(dates + `brownouts: [{start_at: "2027-02-13", duration_seconds: 60}]`), []string{here + "brownouts[0].start_at"}},
		"a longer stage that lasts":        {"sunset-stages", "stages: {deprecated_days: 30}", ending(dates + `brownouts: [{start_at: "2027-02-14", duration_seconds: 60}]`), nil},
		"brownouts on the last day only":   {"sunset-stages", "", ending(dates + `brownouts: [{start_at: "2027-11-30T00:00:01Z", duration_seconds: 60}]`), nil},
		"brownouts too late":               {"sunset-stages", "stages: {brownout_days: 14}", ending(dates + `brownouts: [{start_at: "2027-11-18", duration_seconds: 60}]`), []string{here + "brownouts[0].start_at"}},
		"too soon and too late":            {"sunset-stages", "stages: {brownout_days: 365}", ending(dates + `brownouts: [{start_at: "2027-01-15", duration_seconds: 60}]`), []string{here + "brownouts[0].start_at", here + "brownouts[0].start_at"}},
		"none":                             {"sunset-stages", "", ending(dates), nil},
		"one that cannot be read":          {"sunset-stages", "", ending(dates + `brownouts: [7, {start_at: soon}], brownout_schedules: {}, brownout_shares: [{}]`), nil},

		"an end in a freeze":                {"sunset-freeze", freezeFile, ending(`sunset_at: "2027-12-24"`), []string{here + "sunset_at"}},
		"an end on its last day":            {"sunset-freeze", freezeFile, ending(`sunset_at: "2028-01-06T22:59:59Z"`), []string{here + "sunset_at"}},
		"an end when it is over":            {"sunset-freeze", freezeFile, ending(`sunset_at: "2028-01-07T00:00:00+01:00"`), nil},
		"an end in a freeze of one year":    {"sunset-freeze", freezeFile, ending(`sunset_at: "2027-07-05T23:59:59Z"`), []string{here + "sunset_at"}},
		"the same day of another year":      {"sunset-freeze", freezeFile, ending(`sunset_at: "2028-06-30"`), nil},
		"an end that was in a freeze":       {"sunset-freeze", freezeFile, ending(`sunset_at: "2026-12-24"`), nil},
		"an exemption until a freeze":       {"sunset-freeze", freezeFile, ending(`sunset_at: "2027-10-01", exemptions: [{consumer: d, until: "2027-11-01"}, {consumer: c, until: "2027-12-24"}, 7]`), []string{here + "exemptions[1].until"}},
		"an exemption that was until one":   {"sunset-freeze", freezeFile, ending(`sunset_at: "2026-10-01", exemptions: [{consumer: c, until: "2026-12-24"}]`), nil},
		"an exemption from brownouts alone": {"sunset-freeze", freezeFile, ending(`sunset_at: "2027-10-01", exemptions: [{consumer: c, until: "2027-06-30"}]`), nil},
		"an exemption from no end":          {"sunset-freeze", freezeFile, ending(`deprecated_at: "2027-01-15", exemptions: [{consumer: c, until: "2027-12-24"}]`), nil},
		"no freezes without a file":         {"sunset-freeze", "", ending(`sunset_at: "2027-12-24"`), nil},
		"a brownout in a freeze":            {"sunset-freeze", freezeFile, ending(`brownouts: [{start_at: "2027-06-30T10:00:00Z", duration_seconds: 60}], sunset_at: "2027-12-01"`), []string{here + "brownouts[0].start_at"}},
		"one that goes on into a freeze":    {"sunset-freeze", freezeFile, ending(`brownouts: [{start_at: "2027-06-24T23:00:00Z", duration_seconds: 7200}], sunset_at: "2027-12-01"`), []string{here + "brownouts[0].start_at"}},
		"one that is over just before":      {"sunset-freeze", freezeFile, ending(`brownouts: [{start_at: "2027-06-24T23:00:00Z", duration_seconds: 3600}], sunset_at: "2027-12-01"`), nil},
		"a schedule with some in a freeze":  {"sunset-freeze", freezeFile, ending(`brownout_schedules: [{first_day: "2027-06-01", time_of_day: "10:00", every_days: 1, minutes: [60]}], sunset_at: "2027-08-01"`), []string{here + "brownout_schedules[0].first_day"}},
		"a share that grows through a year": {"sunset-freeze", freezeFile, ending(`brownout_shares: [{start_at: "2027-02-01", to_percent: 9}], sunset_at: "2028-02-01"`), []string{here + "brownout_shares[0].start_at", here + "brownout_shares[0].start_at"}},
		"a dry run in a freeze":             {"sunset-freeze", freezeFile, ending(`dry_run: true, brownouts: [{start_at: "2027-06-30", duration_seconds: 60}], sunset_at: "2027-12-01"`), nil},
		"a brownout that was in a freeze":   {"sunset-freeze", freezeFile, ending(`brownouts: [{start_at: "2026-12-24", duration_seconds: 60}], sunset_at: "2027-12-01"`), nil},

		"an exemption of half a year":  {"sunset-exemption", "", ending(`sunset_at: "2027-06-30", exemptions: [{consumer: c, until: "2027-12-27"}]`), nil},
		"an exemption of a day more":   {"sunset-exemption", "", ending(`sunset_at: "2027-06-30", exemptions: [{consumer: d, until: "2027-07-30"}, {consumer: c, until: "2027-12-28"}]`), []string{here + "exemptions[1].until"}},
		"an exemption that is over":    {"sunset-exemption", "stages: {exempt_days: 0}", ending(`sunset_at: "2026-06-30", exemptions: [{consumer: c, until: "2026-12-28"}]`), nil},
		"no exemptions after the end":  {"sunset-exemption", "stages: {exempt_days: 0}", ending(`sunset_at: "2027-06-30", exemptions: [{consumer: c, until: "2027-07-01"}]`), []string{here + "exemptions[0].until"}},
		"an exemption from brownouts":  {"sunset-exemption", "stages: {exempt_days: 0}", ending(`deprecated_at: "2027-01-15", exemptions: [{consumer: c, until: "2099-07-01"}]`), nil},
		"an exemption without a date":  {"sunset-exemption", "", ending(`sunset_at: "2027-06-30", exemptions: [{consumer: c}, 7]`), nil},
		"an end ninety days ago":       {"sunset-long-past", "", ending(`sunset_at: "2026-10-03"`), nil},
		"told as what has just ended":  {"sunset-passed", "", ending(`sunset_at: "2026-10-03"`), []string{here + "sunset_at"}},
		"an end a day longer ago":      {"sunset-long-past", "", ending(`sunset_at: "2026-10-02"`), []string{here + "sunset_at"}},
		"told once only":               {"sunset-passed", "", ending(`sunset_at: "2026-10-02"`), nil},
		"long past, and goes on":       {"sunset-long-past", "", ending(`sunset_at: "2026-10-02", after_sunset: warn`), []string{here + "sunset_at"}},
		"long past, with an exemption": {"sunset-long-past", "", ending(`sunset_at: "2026-10-02", exemptions: [{consumer: c, until: "2027-03-01"}]`), nil},
		"to be taken out at once":      {"sunset-long-past", "stages: {gone_days: 0}", ending(`sunset_at: "2026-12-31"`), []string{here + "sunset_at"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAt(t, only(held(t, tt.policy, tt.config), tt.rule), tt.want...)
		})
	}
}

// TestLifecycleFixes: what a finding says to write is right.
func TestLifecycleFixes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ policy, config, want string }{
		"notice": {"", ending(`deprecated_at: "2027-01-01", sunset_at: "2027-03-01"`),
			`plugins[0].config.sunset_at: 2027-03-01T00:00:00Z is 59 days after deprecated_at, and the policy has 180 for partners, who call route r; write sunset_at: "2027-06-30" or later, or say why: _ignore: ["sunset-notice: REASON"] (sunset-headers)`},
		"stages": {"stages: {brownout_days: 14}", ending(dates + `brownouts: [{start_at: "2027-11-30", duration_seconds: 60}]`),
			`plugins[0].config.brownouts[0].start_at: the first brownout begins at 2027-11-30T00:00:00Z, 1 day before sunset_at, and the policy has 14 for who notices it; begin it on 2027-11-17 or earlier, or say why: _ignore: ["sunset-stages: REASON"] (sunset-headers)`},
		"freeze": {freezeFile, ending(`deprecated_at: "2027-01-01", sunset_at: "2027-12-24"`),
			`plugins[0].config.sunset_at: the version ends at 2027-12-24T00:00:00Z, in the freeze "end of year" (12-15 to 01-06, Europe/Berlin); end it at 2028-01-06T23:00:00Z or later, or before the freeze (sunset-headers)`},
		"exemption": {"", ending(`deprecated_at: "2026-01-01", sunset_at: "2027-06-30", exemptions: [{consumer: c, until: "2028-01-01"}]`),
			`plugins[0].config.exemptions[0].until: c may go on until 2028-01-01T00:00:00Z, 185 days after sunset_at, and the policy has 180 at most; write until: "2027-12-27" or earlier, or say why: _ignore: ["sunset-exemption: REASON"] (sunset-headers)`},
		"long past": {"", ending(`sunset_at: "2026-06-30", after_sunset: warn`),
			`plugins[0].config.sunset_at: the version ended at 2026-06-30T00:00:00Z, 185 days ago, and the policy has 90: it goes on all the same, since after_sunset is warn; write after_sunset: gone, or a later sunset_at if it was agreed, or acknowledge it: _ignore: ["sunset-long-past until DATE: REASON"] (sunset-headers)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			for _, f := range held(t, tt.policy, tt.config).Findings {
				if strings.HasPrefix(f.Rule, "sunset-") {
					lines = append(lines, f.String())
				}
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("said\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestPolicyFile: what is wrong in the policy is told with its own file and line, and then no
// version is held to it.
func TestPolicyFile(t *testing.T) {
	t.Parallel()
	config := ending(`deprecated_at: "2027-01-01", sunset_at: "2027-01-02", _ignore: []`)
	for name, tt := range map[string]struct {
		policy string
		want   []string
	}{
		"a slip":           {"stages:\n  gone_days: 9\nnotise: []\n", []string{"lifecycle.yaml:3 notise: no such field; notice?"}},
		"two mistakes":     {"stages:\n  gone_days: x\nfreezes:\n  - name: f\n    from: 2027-13-01\n    to: 2027-12-01\n", []string{`lifecycle.yaml:2 stages.gone_days: "x": expected a number of days; write a whole number from 0 to 3660, without quotes`, `lifecycle.yaml:5 freezes[0].from: "2027-13-01" is not a day; write a day, such as "2027-12-15", or of each year, as "12-15"`}},
		"no YAML":          {"stages:\n  - a\n b: {\n", nil},
		"a tab":            {"stages:\n\tgone_days: 1\n", []string{"lifecycle.yaml:2 a tab in the indentation, which YAML does not allow; indent with spaces"}},
		"a key twice":      {"stages: {}\nstages: {}\n", []string{"lifecycle.yaml:2 stages: key given twice; keep one"}},
		"a list":           {"- a\n", nil},
		"comments only":    {"# later\n", []string{"lifecycle.yaml there is nothing in it but comments; write stages, notice or freezes, as docs/api-lifecycle.md has them"}},
		"aliases of alias": {"a: &a {b: *a}\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := held(t, tt.policy, config)
			var got []string
			for _, f := range only(report, "lifecycle-policy").Findings {
				got = append(got, f.Position()+" "+f.String())
				if f.Severity != configcheck.Error || f.File != "lifecycle.yaml" || f.What == "" || f.Fix == "" || strings.Contains(f.Fix, "Kong") {
					t.Errorf("finding %+v", f)
				}
			}
			if tt.want == nil && len(got) == 0 || tt.want != nil && strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if found := only(held(t, tt.policy, config), "sunset-notice").Findings; len(found) > 0 {
				t.Errorf("it holds all the same: %v", found)
			}
			if !strings.Contains(strings.Join(report.Skipped, "\n"), "it has mistakes") || report.Lifecycle != "lifecycle.yaml" {
				t.Errorf("it says it is held to %q, and skipped %q", report.Lifecycle, report.Skipped)
			}
		})
	}
}

// TestLifecycleWaivers: an exception needs a reason in the config, and may end. Where versions
// are held to no policy, a waiver of what it says is not unused.
func TestLifecycleWaivers(t *testing.T) {
	t.Parallel()
	waived := func(waiver string) string {
		return strings.Replace(ending(`sunset_at: "2026-06-30"`), "route: r,", "route: r, _ignore: ['"+waiver+"'],", 1)
	}
	for name, tt := range map[string]struct {
		waiver string
		want   []string
		waived int
	}{
		"without an end":  {"sunset-long-past: they pay for it", nil, 1},
		"until tomorrow":  {"sunset-long-past until 2027-01-02: they pay for it", nil, 1},
		"until a time":    {"sunset-long-past until 2027-01-01T14:00:00+01:00: they pay for it", nil, 1},
		"until yesterday": {"sunset-long-past until 2026-12-31: they paid for it", []string{"plugins[0]._ignore[0]", "plugins[0].config.sunset_at"}, 0},
		"without a date":  {"sunset-long-past until: they pay for it", []string{"plugins[0]._ignore[0]", "plugins[0].config.sunset_at"}, 0},
		"until no date":   {"sunset-long-past until 31.12.2027: they pay for it", []string{"plugins[0]._ignore[0]", "plugins[0].config.sunset_at"}, 0},
		"no reason":       {"sunset-long-past until 2027-06-30:", []string{"plugins[0]._ignore[0]", "plugins[0].config.sunset_at"}, 0},
		"of the policy":   {"lifecycle-policy: later", []string{"plugins[0]._ignore[0]", "plugins[0].config.sunset_at"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := held(t, "", waived(tt.waiver))
			wantAt(t, only(report, "sunset-long-past", "waiver-invalid", "waiver-unused"), tt.want...)
			if len(report.Waived) != tt.waived {
				t.Errorf("waived %v", report.Waived)
			}
		})
	}
	report := check(gatewayChecker(t, configcheck.Options{Now: lifecycleDay}), waived("sunset-long-past until 2027-06-30: they pay for it"))
	wantAt(t, only(report, "waiver-invalid", "waiver-unused", "sunset-long-past", "sunset-passed"), "plugins[0].config.sunset_at")
	if report.Lifecycle != "" {
		t.Errorf("versions are held to %q", report.Lifecycle)
	}
}

// FuzzLifecycle: whatever is written of the end of versions, each finding is one line.
func FuzzLifecycle(f *testing.F) {
	f.Add(ending(dates+`after_sunset: redirect, successor: "/partner/v1{+rest}", brownout_schedules: [{first_day: "2027-06-01", time_of_day: "10:00", minutes: [60]}]`), freezeFile)
	f.Add(ending(`sunset_at: "9999-12-31T23:59:59Z", brownout_shares: [{start_at: "1970-01-01", to_percent: 9}], exemptions: [{until: "9999-12-31"}]`), "time_zone: Pacific/Apia")
	f.Add("routes: [{paths: ['~/v1'], hosts: ['*'], plugins: [{name: sunset-headers, config: {successor: 'http://h/v1', after_sunset: redirect}}]}]", "notice: [{audience: a, days: 3660}]")
	f.Fuzz(func(t *testing.T, config, policy string) {
		for _, found := range held(t, policy, config).Findings {
			if strings.Contains(found.String(), "\n") {
				t.Errorf("more than one line: %q", found)
			}
		}
	})
}
