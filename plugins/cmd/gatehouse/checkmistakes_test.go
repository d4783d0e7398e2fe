package main

import (
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// typicalMistakes are what people get wrong, with all that the check says of it.
var typicalMistakes = []struct{ name, config, want string }{
	{"a field with a slip", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [user], limit: 9, window_secs: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].window_secs: no such field; window_seconds? (tenant-rate-limit) [plugin-config]`},
	{"a field of another plugin", `{_format_version: "3.0", plugins: [{name: trace-inject, config: {sunset_at: "2027-06-30"}}]}`,
		`kong.yaml:1: error: plugins[0].config.sunset_at: no such field; there are incoming, trusted_cidrs, sample_ratio, ignore_parent_sampled, max_parent_sampled_per_second, keep_errors, keep_statuses, keep_slow_ms, upstream_spans, header_attributes, propagation, pass_headers, baggage, response_header, traceresponse, server_timing (trace-inject) [plugin-config]`},
	{"a word that is none of the choices", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [user], limit: 9, window_seconds: 60}], on_redis_error: lokal}}]}`,
		`kong.yaml:1: error: plugins[0].config.on_redis_error: "lokal": expected one of: local, allow, deny; local? (tenant-rate-limit) [plugin-config]`},
	{"a number out of range", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379", timeout_ms: 5000}, limits: [{name: l, scope: [user], limit: 9, window_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.redis.timeout_ms: 5000: value should be between 1 and 1000 (tenant-rate-limit) [plugin-config]`},
	{"a text for a number", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [user], limit: "9", window_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].limit: "9": expected an integer; write a number, without quotes (tenant-rate-limit) [plugin-config]`},
	{"a word that YAML takes for a boolean", `{_format_version: "3.0", plugins: [{name: pii-log-scrub, config: {audit: off}}]}`,
		`kong.yaml:1: error: plugins[0].config.audit: false: expected a string; put it in quotes: Kong reads on, off, yes and no as true and false (pii-log-scrub) [plugin-config]`},
	{"a limit without a window", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [user], limit: 9}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].window_seconds: required field missing where algorithm is not calendar; write it (tenant-rate-limit) [plugin-config]`},
	{"a period without a calendar", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [user], limit: 20, period: day}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].period: "day": period is for algorithm: calendar; write algorithm: calendar, or remove it (tenant-rate-limit) [plugin-config]`},
	{"a window beside a calendar", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [user], limit: 20, algorithm: calendar, period: day, window_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].window_seconds: 60: it has no place where algorithm is calendar; remove it (tenant-rate-limit) [plugin-config]`},
	{"a limit by a header that is not named", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [header], limit: 20, window_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].header: required field missing where scope has header; write it (tenant-rate-limit) [plugin-config]`},
	{"a header that nothing is counted by", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [user], limit: 20, window_seconds: 60, header: X-A}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].scope: expected to contain: header, where header is there; write that, or remove header (tenant-rate-limit) [plugin-config]`},
	{"a name that is taken", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: user-default, scope: [user], limit: 20, window_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].name: must not be one of: user-default; write another (tenant-rate-limit) [plugin-config]`},
	{"a cost above the limit", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, limits: [{name: l, scope: [user], limit: 20, window_seconds: 60}], costs: [{methods: [POST], cost: 50}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.limits[0].limit: 20 is less than a request can cost; write burst: 50 or more, or lower the cost; until it is right, the plugin starts degraded (tenant-rate-limit) [plugin-degraded]`},
	{"slips in a brownout", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {sunset_at: "2027-06-30", brownouts: [{start: "2027-01-01", end: "2027-01-02"}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.brownouts[0].end: no such field; end_at? (sunset-headers) [plugin-config]
kong.yaml:1: error: plugins[0].config.brownouts[0].start: no such field; start_at? (sunset-headers) [plugin-config]`},
	{"a brownout of no time", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {sunset_at: "2027-06-30", brownouts: [{start_at: "2027-01-01", duration_seconds: 0}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.brownouts[0].duration_seconds: 0: value should be between 1 and 31536000 (sunset-headers) [plugin-config]`},
	{"a brownout with two ends", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {sunset_at: "2027-06-30", brownouts: [{start_at: "2027-01-01", duration_seconds: 60, end_at: "2027-01-02"}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.brownouts[0]: exactly one of these fields must be non-empty: 'end_at', 'duration_seconds'; keep one of them (sunset-headers) [plugin-config]`},
	{"a brownout after the end", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {deprecated_at: "2026-01-01", sunset_at: "2027-06-30", brownouts: [{start_at: "2027-07-30", duration_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.brownouts[0]: it ends at 2027-07-30T00:01:00Z, after sunset_at; end it by 2027-06-30T00:00:00Z; until it is right, the plugin starts degraded (sunset-headers) [plugin-degraded]`},
	{"a key that is too short", `{_format_version: "3.0", plugins: [{name: pii-log-scrub, config: {pseudonym_key: dev-only-short, pseudonym_key_id: a}}]}`,
		`kong.yaml:1: error: plugins[0].config.pseudonym_key: length must be at least 32 (pii-log-scrub) [plugin-config]`},
	{"the name of a plugin alone", `{_format_version: "3.0", services: [{name: s, host: h, plugins: [tenant-rate-limit, {name: key-auth}]}]}`,
		`kong.yaml:1: error: services[0].plugins[0]: expected fields of one of plugins; write - name: tenant-rate-limit (s) [field-type]`},
	{"consumer for consumers", `{_format_version: "3.0", plugins: [{name: trace-inject}], consumer: [{username: globex-crm, acls: [{group: g}]}]}`,
		`kong.yaml:1: error: consumer: Kong has no such field, and refuses the whole config; consumers? [field-unknown]`},
	{"no limit at all", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit}]}`,
		`kong.yaml:1: error: plugins[0].config: at least one of these fields must be non-empty: 'limits', 'plans'; write one of them (tenant-rate-limit) [plugin-config]`},
	{"a plan that there is not", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "redis://r:6379"}, default_plan: gold, plans: [{name: free, limits: [{name: l, scope: [user], limit: 9, window_seconds: 60}]}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.default_plan: "gold" is not in plans; write one of: free; until it is right, the plugin starts degraded (tenant-rate-limit) [plugin-degraded]`},
	{"a date of another country", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {sunset_at: 30.06.2027}}]}`,
		`kong.yaml:1: error: plugins[0].config.sunset_at: "30.06.2027": write a date as 2027-06-30 or 2027-06-30T12:00:00Z (RFC 3339), from 1970 on (sunset-headers) [plugin-config]`},
	{"an end that is empty", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {sunset_at: ""}}]}`,
		`kong.yaml:1: error: plugins[0].config.sunset_at: "": length must be at least 1; write it, or take the field out (sunset-headers) [plugin-config]`},
	{"an end that is a number", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {sunset_at: 2027}}]}`,
		`kong.yaml:1: error: plugins[0].config.sunset_at: 2027: expected a string; put it in quotes (sunset-headers) [plugin-config]`},
	{"a time of the day as people say it", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {sunset_at: "2027-06-30", brownout_schedules: [{first_day: "2027-05-04", time_of_day: "9:00", minutes: [60]}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.brownout_schedules[0].time_of_day: "9:00": write a time from 00:00 to 23:59, such as 09:30 (sunset-headers) [plugin-config]`},
	{"an end before the deprecation", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {deprecated_at: "2027-06-30", sunset_at: "2027-01-01"}}]}`,
		`kong.yaml:1: error: plugins[0].config.sunset_at: "2027-01-01" is before deprecated_at "2027-06-30", which RFC 9745 section 4 forbids; make it the same or later; until it is right, the plugin starts degraded (sunset-headers) [plugin-degraded]`},
	{"a brownout before the deprecation", `{_format_version: "3.0", plugins: [{name: sunset-headers, config: {deprecated_at: "2027-06-30", brownouts: [{start_at: "2027-06-29", duration_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.brownouts[0].start_at: "2027-06-29" is before deprecated_at; start it at 2027-06-30T00:00:00Z or later; until it is right, the plugin starts degraded (sunset-headers) [plugin-degraded]`},
	{"a network without bits", `{_format_version: "3.0", plugins: [{name: trace-inject, config: {trusted_cidrs: ["10.0.0.1"]}}]}`,
		`kong.yaml:1: error: plugins[0].config.trusted_cidrs[0]: "10.0.0.1": write a network as address/bits, such as 10.0.0.0/8 or 2001:db8::/32 (trace-inject) [plugin-config]`},
	{"a Redis without a scheme", `{_format_version: "3.0", plugins: [{name: tenant-rate-limit, config: {redis: {url: "localhost:6379"}, limits: [{name: l, scope: [user], limit: 9, window_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].config.redis.url: write redis://user:password@host:6379/0, rediss:// for TLS, or unix://, a port from 1 to 65535 (tenant-rate-limit) [plugin-config]`},
	{"an underscore in the name of a plugin", `{_format_version: "3.0", plugins: [{name: tenant_rate_limit, config: {limits: [{name: l, scope: [user], limit: 9, window_seconds: 60}]}}]}`,
		`kong.yaml:1: error: plugins[0].name: no plugin of Gatehouse or Kong 3.9 is called "tenant_rate_limit"; tenant-rate-limit? (tenant_rate_limit) [plugin-name]`},
	{"a slip in the name of one of Kong's plugins", `{_format_version: "3.0", plugins: [{name: rate-limitng, config: {minute: 5}}]}`,
		`kong.yaml:1: error: plugins[0].name: no plugin of Gatehouse or Kong 3.9 is called "rate-limitng"; rate-limiting? (rate-limitng) [plugin-name]`},
	{"a plugin twice", `{_format_version: "3.0", plugins: [{name: trace-inject}, {name: trace-inject}]}`,
		`kong.yaml:1: error: plugins[1]: there is one, plugins[0] (kong.yaml:1), for the same already; make one of the two, or take one out (trace-inject) [plugin-twice]`},
	{"a service that there is not", `{_format_version: "3.0", services: [{name: orders, host: h}], plugins: [{name: trace-inject, service: odrers}]}`,
		`kong.yaml:1: error: plugins[0].service: there is no "odrers" among services; orders? (trace-inject) [reference]`},
	{"no plugin", `{_format_version: "3.0", services: [{name: orders, host: h}]}`,
		`kong.yaml:1: error: there is no plugin in it: nobody is asked who they are, and nothing is limited or logged; name the file with the plugins, or add them under plugins [plugin-none]`},
	{"a section that is not run", `{_format_version: "3.0", plugins: [{name: gatehouse, config: {run: [tracing]}}]}`,
		`kong.yaml:1: error: plugins[0].config.run[0]: "tracing": expected one of: pii_log_scrub, trace_inject, tenant_rate_limit, sunset_headers, api_version (gatehouse) [plugin-config]`},
	{"a key that is there twice", `{_format_version: "3.0", plugins: [], plugins: [{name: trace-inject}]}`,
		`kong.yaml:1: error: plugins: key given twice: Kong takes the last, and says nothing; keep one [unreadable]`},
	{"a list for the whole", `[{name: trace-inject}]`,
		`kong.yaml:1: error: expected an object; correct it: Kong reads one mapping in YAML or JSON [unreadable]`},
	{"several at once", `{_format_version: "3.0", plugins: [{name: pii-log-scrub, config: {audti: "off"}}, {name: trace-inject, config: {response_header: X Trace, ratio: 1}}, {name: sunset-headers}]}`,
		`kong.yaml:1: error: plugins[0].config.audti: no such field; audit? (pii-log-scrub) [plugin-config]
kong.yaml:1: error: plugins[1].config.response_header: "X Trace": write the name of a header, of letters, digits and dashes: nginx writes a dash for each underscore of a response's (trace-inject) [plugin-config]
kong.yaml:1: error: plugins[1].config.ratio: no such field; sample_ratio? (trace-inject) [plugin-config]
kong.yaml:1: error: plugins[2].config: at least one of these fields must be non-empty: 'deprecated_at', 'sunset_at'; write one of them (sunset-headers) [plugin-config]`},
}

func TestTypicalMistakes(t *testing.T) {
	t.Setenv("REDIS_URL", "")
	checker, err := newChecker(configcheck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range typicalMistakes {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			for _, f := range checker.CheckFiles(kongyaml.File{Name: "kong.yaml", Text: []byte(tt.config)}).Findings {
				if f.Severity == configcheck.Error {
					lines = append(lines, findingLine(f))
				}
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("said\n%s\nwant\n%s", got, tt.want)
			}
			if strings.Contains(tt.want, "Go ") || strings.Contains(tt.want, "struct") || strings.Contains(tt.want, "interface") {
				t.Errorf("it speaks of Go: %s", tt.want)
			}
		})
	}
}
