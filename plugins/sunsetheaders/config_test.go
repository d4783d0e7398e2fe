package sunsetheaders_test

import (
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
)

func TestProvisionRefuses(t *testing.T) {
	t.Parallel()
	type config = sunsetheaders.Config
	brownout := func(b sunsetheaders.Brownout) *config {
		return &config{DeprecatedAt: "2026-01-15", SunsetAt: "2027-06-30", Brownouts: []sunsetheaders.Brownout{b}}
	}
	schedule := func(s sunsetheaders.BrownoutSchedule) *config {
		return &config{DeprecatedAt: "2026-01-15", SunsetAt: "2027-06-30", BrownoutSchedules: []sunsetheaders.BrownoutSchedule{s}}
	}
	share := func(s sunsetheaders.BrownoutShare) *config {
		return &config{DeprecatedAt: "2026-01-15", SunsetAt: "2027-06-30", BrownoutShares: []sunsetheaders.BrownoutShare{s}}
	}
	exemption := func(x ...sunsetheaders.Exemption) *config { return &config{SunsetAt: "2027-06-30", Exemptions: x} }
	tests := []struct {
		name   string
		config *config
		want   []string // parts of the error: field, value, fix
	}{
		{"no date at all", &config{}, []string{"sunset_at: it is absent, and so is deprecated_at", "at least one"}},
		{"not a date", &config{DeprecatedAt: "30 June 2027"}, []string{"deprecated_at", `"30 June 2027"`, "write 2027-06-30"}},
		{"no offset", &config{SunsetAt: "2027-06-30T12:00:00"}, []string{"sunset_at", "RFC 3339"}},
		{"no such day", &config{SunsetAt: "2027-02-29"}, []string{"sunset_at", `"2027-02-29"`}},
		{"the year 0", &config{SunsetAt: "0000-01-01"}, []string{"sunset_at", `"0000-01-01"`, "1970 to 9999"}},
		{"the zero time", &config{SunsetAt: "0001-01-01"}, []string{"sunset_at", `"0001-01-01"`, "1970 to 9999"}},
		{"deprecated before 1970", &config{DeprecatedAt: "1969-12-31"}, []string{"deprecated_at", `"1969-12-31"`, "1970 to 9999"}},
		{"the year 10000 in UTC", &config{SunsetAt: "9999-12-31T23:59:59-23:59"}, []string{"sunset_at", "-23:59", "1970 to 9999"}},
		{"an offset of a day", &config{SunsetAt: "2027-06-30T12:00:00+24:00"}, []string{"sunset_at", "+24:00", "RFC 3339"}},
		{"ends before it is deprecated", &config{DeprecatedAt: "2027-06-30", SunsetAt: "2027-06-29T23:59:59Z"}, []string{"sunset_at", `"2027-06-29T23:59:59Z"`, "deprecated_at", "RFC 9745", "later"}},
		{"after_sunset", &config{SunsetAt: "2027-06-30", AfterSunset: "move"}, []string{"after_sunset", `"move"`, "gone, warn or redirect"}},
		{"brownout_status", &config{SunsetAt: "2027-06-30", BrownoutStatus: 500}, []string{"brownout_status", "500", "503 or 410"}},
		{"successor", &config{SunsetAt: "2027-06-30", Successor: "v2/orders"}, []string{"successor", `"v2/orders"`, "{+rest}"}},
		{"successor with another variable", &config{SunsetAt: "2027-06-30", Successor: "/v2/{id}"}, []string{"successor", `"/v2/{id}"`, "{+rest}"}},
		{"successor with two slashes", &config{SunsetAt: "2027-06-30", Successor: "/{+rest}"}, []string{"successor", `"/{+rest}"`, "right after the last segment"}},
		{"successor that breaks out", &config{SunsetAt: "2027-06-30", Successor: "/v2>; rel=x"}, []string{"successor"}},
		{"documentation", &config{SunsetAt: "2027-06-30", Documentation: "see wiki"}, []string{"documentation", `"see wiki"`, "https://host/path"}},
		{"documentation has no variables", &config{SunsetAt: "2027-06-30", Documentation: "/doc{+rest}"}, []string{"documentation"}},
		{"sunset_documentation", &config{SunsetAt: "2027-06-30", SunsetDocumentation: "//host"}, []string{"sunset_documentation", `"//host"`}},
		{"a port that is none", &config{SunsetAt: "2027-06-30", Successor: "http://h:99999/"}, []string{"successor", `"http://h:99999/"`, "1 to 65535"}},
		{"no host", &config{SunsetAt: "2027-06-30", Documentation: "https://:80/"}, []string{"documentation", `"https://:80/"`, "https://host/path"}},
		{"a host that is there only without the rest", &config{SunsetAt: "2027-06-30", Successor: "https://{+rest}h/"}, []string{"successor", "{+rest}"}},
		{"a password for everybody", &config{SunsetAt: "2027-06-30", SunsetDocumentation: "https://user:hunter2@h/"}, []string{"sunset_documentation", "user or password"}},
		{"policy", &config{SunsetAt: "2027-06-30", Policy: "mailto:a@b.example"}, []string{"policy", `"mailto:a@b.example"`}},

		{"brownout without start", brownout(sunsetheaders.Brownout{DurationSeconds: 60}), []string{"brownouts[0].start_at", "empty"}},
		{"brownout with a bad start", brownout(sunsetheaders.Brownout{StartAt: "noon", DurationSeconds: 60}), []string{"brownouts[0].start_at", `"noon"`}},
		{"brownout from the year 1", brownout(sunsetheaders.Brownout{StartAt: "0001-01-01", DurationSeconds: 60}), []string{"brownouts[0].start_at", `"0001-01-01"`, "1970 to 9999"}},
		{"brownout until the year 1", brownout(sunsetheaders.Brownout{StartAt: "2027-01-01", EndAt: "0001-01-01"}), []string{"brownouts[0].end_at", `"0001-01-01"`, "1970 to 9999"}},
		{"brownout that lasts into the year 10000", &config{DeprecatedAt: "2027-01-01", Brownouts: []sunsetheaders.Brownout{{StartAt: "9999-12-31", DurationSeconds: 86400}}}, []string{"brownouts[0].duration_seconds", "86400", "9999"}},
		{"brownout without end", brownout(sunsetheaders.Brownout{StartAt: "2027-01-01"}), []string{"brownouts[0]", "either end_at or duration_seconds"}},
		{"brownout with two ends", brownout(sunsetheaders.Brownout{StartAt: "2027-01-01", EndAt: "2027-01-02", DurationSeconds: 60}), []string{"brownouts[0]", "not both"}},
		{"brownout of negative length", brownout(sunsetheaders.Brownout{StartAt: "2027-01-01", DurationSeconds: -1}), []string{"brownouts[0].duration_seconds", "-1", "above 0"}},
		{"brownout that ends first", brownout(sunsetheaders.Brownout{StartAt: "2027-01-02", EndAt: "2027-01-01"}), []string{"brownouts[0].end_at", `"2027-01-01"`, "later"}},
		{"brownout past the end", brownout(sunsetheaders.Brownout{StartAt: "2027-06-29", DurationSeconds: 90000}), []string{"brownouts[0]", "2027-06-30T01:00:00Z", "end it by 2027-06-30T00:00:00Z"}},
		{"brownout before the deprecation", brownout(sunsetheaders.Brownout{StartAt: "2026-01-14", DurationSeconds: 60}), []string{"brownouts[0].start_at", `"2026-01-14"`, "2026-01-15T00:00:00Z or later"}},

		{"exemption of nobody", exemption(sunsetheaders.Exemption{Until: "2027-09-30"}), []string{"exemptions[0].consumer", "username, custom_id or id"}},
		{"exemption for ever", exemption(sunsetheaders.Exemption{Consumer: "initech"}), []string{"exemptions[0].until", "must end"}},
		{"exemption until a bad date", exemption(sunsetheaders.Exemption{Consumer: "initech", Until: "never"}), []string{"exemptions[0].until", `"never"`}},
		{"exemption until the year 10000", exemption(sunsetheaders.Exemption{Consumer: "initech", Until: "9999-12-31T23:59:59-01:00"}), []string{"exemptions[0].until", "1970 to 9999"}},
		{"exempted twice", exemption(sunsetheaders.Exemption{Consumer: "a", Until: "2027-09-30"}, sunsetheaders.Exemption{Consumer: "a", Until: "2027-10-30"}), []string{"exemptions[1].consumer", `"a"`, "keep one"}},
		{"redirect to nowhere", &config{SunsetAt: "2027-06-30", AfterSunset: "redirect"}, []string{"successor", "empty", "/v2/orders{+rest}"}},
		{"redirect with two queries", &config{SunsetAt: "2027-06-30", AfterSunset: "redirect", Successor: "/v2?a=b"}, []string{"successor", `"/v2?a=b"`, "leave it out"}},

		{"schedule without a day", schedule(sunsetheaders.BrownoutSchedule{TimeOfDay: "10:00", Minutes: []int{60}}), []string{"brownout_schedules[0].first_day", "empty"}},
		{"schedule with a time for a day", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-05-04T10:00:00Z", TimeOfDay: "10:00", Minutes: []int{60}}), []string{"brownout_schedules[0].first_day", "the day only"}},
		{"schedule on no day", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-5-4", TimeOfDay: "10:00", Minutes: []int{60}}), []string{"brownout_schedules[0].first_day", "write 2027-05-04"}},
		{"schedule at no time", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-05-04", TimeOfDay: "24:00", Minutes: []int{60}}), []string{"brownout_schedules[0].time_of_day", `"24:00"`, "23:59"}},
		{"schedule in no zone", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-05-04", TimeOfDay: "10:00", TimeZone: "CEST", Minutes: []int{60}}), []string{"brownout_schedules[0].time_zone", `"CEST"`, "Europe/Berlin"}},
		{"schedule in the machine's zone", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-05-04", TimeOfDay: "10:00", TimeZone: "Local", Minutes: []int{60}}), []string{"brownout_schedules[0].time_zone", `"Local"`}},
		{"schedule every 400 days", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-05-04", TimeOfDay: "10:00", EveryDays: 400, Minutes: []int{60}}), []string{"brownout_schedules[0].every_days", "400", "7 for weekly"}},
		{"schedule of nothing", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-05-04", TimeOfDay: "10:00"}), []string{"brownout_schedules[0].minutes", "[60, 60, 240, 720]"}},
		{"schedule of no time", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-05-04", TimeOfDay: "10:00", Minutes: []int{60, -5}}), []string{"brownout_schedules[0].minutes[1]", "-5", "above 0"}},
		{"schedule without a pause", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-05-04", TimeOfDay: "10:00", EveryDays: 1, Minutes: []int{60, 1440}}), []string{"brownout_schedules[0].minutes[1]", "1440 lasts until the next brownout, 1 day later", "shorter"}},
		{"schedule past the end", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2027-06-22", TimeOfDay: "10:00", Minutes: []int{60, 60, 60}}), []string{"brownout_schedules[0]", "number 3 begins at 2027-07-06T10:00:00Z", "write fewer"}},
		{"schedule before the deprecation", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2026-01-14", TimeOfDay: "10:00", Minutes: []int{60}}), []string{"brownout_schedules[0].first_day", "2026-01-15T00:00:00Z or later"}},
		{"schedule without end", schedule(sunsetheaders.BrownoutSchedule{FirstDay: "2026-01-16", TimeOfDay: "10:00", EveryDays: 1, Minutes: []int{60}}), []string{"brownout_schedules[0]", "more than 500", "every_days"}},

		{"share without start", share(sunsetheaders.BrownoutShare{ToPercent: 50}), []string{"brownout_shares[0].start_at", "empty"}},
		{"share that never ends", &config{DeprecatedAt: "2026-01-15", BrownoutShares: []sunsetheaders.BrownoutShare{{StartAt: "2027-05-01", ToPercent: 50}}}, []string{"brownout_shares[0].end_at", "sunset_at"}},
		{"share that ends first", share(sunsetheaders.BrownoutShare{StartAt: "2027-05-02", EndAt: "2027-05-01", ToPercent: 50}), []string{"brownout_shares[0].end_at", "2027-05-01", "later"}},
		{"share past the end", share(sunsetheaders.BrownoutShare{StartAt: "2027-05-02", EndAt: "2027-07-01", ToPercent: 50}), []string{"brownout_shares[0].end_at", `"2027-07-01"`, "2027-06-30T00:00:00Z"}},
		{"share before the deprecation", share(sunsetheaders.BrownoutShare{StartAt: "2026-01-14", ToPercent: 50}), []string{"brownout_shares[0].start_at", "2026-01-15T00:00:00Z"}},
		{"share of nobody", share(sunsetheaders.BrownoutShare{StartAt: "2027-05-01"}), []string{"brownout_shares[0].to_percent", "1 to 100"}},
		{"share of more than all", share(sunsetheaders.BrownoutShare{StartAt: "2027-05-01", ToPercent: 101}), []string{"brownout_shares[0].to_percent", "101"}},
		{"share of less than nobody", share(sunsetheaders.BrownoutShare{StartAt: "2027-05-01", FromPercent: -1, ToPercent: 5}), []string{"brownout_shares[0].from_percent", "-1"}},
		{"share that shrinks", share(sunsetheaders.BrownoutShare{StartAt: "2027-05-01", FromPercent: 50, ToPercent: 5}), []string{"brownout_shares[0].to_percent", "less than from_percent", "50 or more"}},

		{"several at once", &config{DeprecatedAt: "x", AfterSunset: "y"}, []string{"deprecated_at", "after_sunset"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.config.Provision()
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

func TestProvisionAccepts(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]*sunsetheaders.Config{
		"deprecation and end at one moment": {DeprecatedAt: "2027-06-30", SunsetAt: "2027-06-30T02:00:00+02:00"},
		"a brownout up to the end":          {SunsetAt: "2027-06-30", Brownouts: []sunsetheaders.Brownout{{StartAt: "2027-06-29", EndAt: "2027-06-30"}}},
		"the deprecation ahead":             {DeprecatedAt: "2999-01-01"},
		"a schedule, and a share of calls": {
			SunsetAt: "2027-06-30", AfterSunset: "redirect", Successor: "/v2{+rest}",
			BrownoutSchedules: []sunsetheaders.BrownoutSchedule{{FirstDay: "2027-05-04", TimeOfDay: "10:00", TimeZone: "Europe/Berlin", Minutes: []int{60, 60, 720}}},
			BrownoutShares:    []sunsetheaders.BrownoutShare{{StartAt: "2027-06-01", ToPercent: 50}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := config.Provision(); err != nil {
				t.Error(err)
			}
			if config.AfterSunset == "" || config.BrownoutStatus != 503 {
				t.Errorf("defaults are %q and %d", config.AfterSunset, config.BrownoutStatus)
			}
		})
	}
}
