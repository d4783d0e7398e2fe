package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// field is a field of a plugin, with values that Kong's schema takes and refuses, in JSON.
type field struct {
	plugin string
	config string // VALUE stands for the value
	name   string // as Kong's error says it
	good   []string
	// bad is refused by Kong, at POST /config.
	bad []string
	// wrong is what only code can know: the plugin starts degraded.
	wrong []string
}

const (
	dates   = `"2027-06-30" "2027-06-30T12:00:00Z" "2027-06-30T12:00:00.125Z" "2027-06-30T12:00:00+02:00" "2027-06-30T12:00:00.1-11:30" "2027-06-30T12:00:00+23:59" "2027-06-30t12:00:00z" "2027-06-30T23:59:60Z" "2027-07-01T01:59:60.5+02:00"`
	noDates = `"" "30.06.2027" "2027-6-30" "2027-06-30 12:00:00Z" "2027-06-30T12:00:00" "2027-06-30T12:00Z" "tomorrow" "1814313600" " 2027-06-30" "2027-06-30\n" "0000-01-01" "0001-01-01" "1969-12-31" "2027-06-30T12:00:00+24:00" "2027-06-30T12:00:00-24:00" "2027-06-30T12:00:00+23:60" "2027-06-30T24:00:00Z" "10000-01-01" 20270630 "2027-6-1" "01/06/2027" "June 1 2027" "2027-W22-2" "2027-152" "+002027-06-01" "2027-06-30T12:00:00 CEST" "2027-06-30T23:59:61Z"`
	noDays  = `"2027-02-31" "2027-13-01" "1970-01-01T00:00:00+00:01" "9999-12-31T23:59:59-23:59" "2027-06-30T12:00:60Z"`
	names   = `"a" "tenant-route" "a \"b\" \\ c" "~"`
	noNames = `"" "é" "a\nb" "a\tb" "a\u0000" "\u007f" 7 ` // and what is too long, see tooLong
	headers = `"X-Trace" "x_trace" "X1" "!#$%&'*+-.^_|~" "X-Content-Length"`
	// What may be a response's: nginx writes dashes for its underscores.
	sentHeaders = `"X-Trace" "X1" "!#$%&'*+-.^|~" "X-Content-Length" "Trace-Id" "X-Cache" "Contents" "Section" "Linked"`
	noHeader    = `"X Trace" "X-Trace:" "X-Tr\u00e9" "X-T\r\nSet-Cookie: a" "(X)" "X,Y" "X/Y" "X@Y" "[X]" "{X}" "X\\Y" "X=Y" "X;Y" "X<Y" "X?Y" "X\"Y" " X" 5`
	links       = `"https://developer.example.com/v1" "http://h" "/v2/orders" "/" "/a%20b?c=d#e" "https://h/(a)*[1]'!,;=" "HTTPS://EX.COM/a" "Http://h:65535" "http://h:/" "https://[2001:db8::1]:8443/x" "/a@b:99999" "https://h/u:pw@x:99999/"`
	noLinks     = `"" "v2/orders" "//host/path" "ftp://host/x" "mailto:a@b.io" "https://" "/a b" "/v2>; rel=x" "/\"x\"" "/é" "/a\r\nX: y" "/a\\b" "/a^b" "/a|b" "http://h:99999/" "http://h:65536" "http://h:0/a" "http://h:123456?a" "https://[::1]:70000#a" "https://:80/" "https://:/" "https://user:pw@h/" "https://user@h" "https://@h/" "HTTPS://u:p@h" 1`
	fieldBad    = `"" "x" "é1" "größe" "a\nb1" "--" 7`
)

// fields are all fields of our plugins that a value of the right type can get wrong.
var fields = []field{
	{"trace-inject", `{"trusted_cidrs":["10.0.0.0/8",VALUE]}`, "trusted_cidrs",
		list(`"10.0.0.0/8" "0.0.0.0/0" "192.0.2.1/32" "2001:db8::/32" "::/0" "::ffff:10.0.0.0/104" "fe80::1/64"`),
		list(`"10.0.0.1" "10.0.0.0/" "10.0.0/8" "10.0.0.0/8 " "localhost/8" "example.com" "" "2001:db8::" "10.0.0.0-10.0.0.9" "fe80::1%eth0/64" 10`),
		list(`"300.0.0.0/8" "10.0.0.0/33" "2001:db8::/129" "1:2:3/64" "10.0.0.0/08"`)},
	{"trace-inject", `{"response_header":VALUE}`, "response_header", append(list(sentHeaders), `""`),
		append(list(noHeader), list(`"Content-Length" "content-length" "Content_Length" "CONTENT-TYPE" "Transfer-Encoding" "Connection" "Keep-Alive" "TE" "te" "Trailer" "Upgrade" `+
			`"Set-Cookie" "Server" "Date" "Location" "Content-Encoding" "Proxy-Connection" "Refresh" "Last-Modified" "ETag" "Vary" "Via" "WWW-Authenticate" "Retry-After" "Link" "X_Trace" "x_trace" "_" "Strict-Transport-Security" "Access-Control-Allow-Origin" "access-control-x" "Clear-Site-Data" "Content-Location" "content-security-policy" "Content-Security-Policy-Report-Only" "Permissions-Policy" "Referrer-Policy" "X-Frame-Options" "X-Content-Type-Options" "Alt-Svc" "Allow" "Cross-Origin-Opener-Policy" "NEL" "Report-To" "Service-Worker-Allowed" "SourceMap" "X-Accel-Redirect" "X-RateLimit-Limit" "X-Kong-Request-Id" "Warning" "Pragma"`)...), nil},
	{"trace-inject", `{"incoming":VALUE}`, "incoming", list(`"continue" "link" "restart"`), list(`"" "trust" "Link" 1`), nil},
	{"trace-inject", `{"baggage":VALUE}`, "baggage", list(`"remove" "pass"`), list(`"keep" ""`), nil},
	{"trace-inject", `{"propagation":{"extract":[VALUE]}}`, "extract", list(`"w3c" "b3" "jaeger" "ot" "datadog" "aws" "gcp"`), list(`"b3-single" "preserve" "" 1`), nil},
	{"trace-inject", `{"propagation":{"extract":["b3","w3c"],"clear":[VALUE]}}`, "clear", list(headers), append(list(noHeader), `""`), nil},
	{"trace-inject", `{"propagation":{"inject":[VALUE]}}`, "inject", list(`"preserve" "w3c" "b3" "b3-single" "jaeger" "ot" "datadog" "aws" "gcp"`), list(`"zipkin" ""`), nil},
	{"trace-inject", `{"propagation":{"default_format":VALUE}}`, "default_format", list(`"w3c" "b3" "b3-single" "gcp"`), list(`"preserve" ""`), nil},
	{"trace-inject", `{"pass_headers":[VALUE]}`, "pass_headers", list(headers), append(list(noHeader), `""`), nil},
	{"trace-inject", `{"max_parent_sampled_per_second":VALUE}`, "max_parent_sampled_per_second", list(`0 100 1000000`), list(`-1 1000001 1.5 "1"`), nil},
	{"trace-inject", `{"keep_statuses":[VALUE]}`, "keep_statuses", list(`400 429 499`), list(`399 500 "404" 404.5`), nil},
	{"trace-inject", `{"keep_slow_ms":VALUE}`, "keep_slow_ms", list(`0 1 3600000`), list(`-1 3600001 0.5`), nil},
	{"trace-inject", `{"server_timing":VALUE}`, "server_timing", list(`"none" "traceparent" "trace"`), list(`"" "b3" true`), nil},
	{"trace-inject", `{"header_attributes":[VALUE]}`, "header_attributes", list(`"X-App-Version" "sec-ch-ua"`), append(list(noHeader), `""`, `"Authorization"`, `"cookie"`, `"X-Auth-Request-Email"`), list(`"X-Session-Token" "X-User-Id"`)},
	{"trace-inject", `{"sample_ratio":VALUE}`, "sample_ratio", list(`0 0.5 1`), list(`-0.1 1.1 "1"`), nil},

	{"sunset-headers", `{"deprecated_at":VALUE}`, "deprecated_at", list(dates), list(noDates), list(noDays)},
	{"sunset-headers", `{"sunset_at":VALUE}`, "sunset_at", list(dates), list(noDates), list(noDays)},
	{"sunset-headers", `{"deprecated_at":"2027-01-01","sunset_at":VALUE}`, "sunset_at", list(`"2027-01-01"`), nil, list(`"2026-12-31"`)},
	{"sunset-headers", `{"sunset_at":"2027-06-30","after_sunset":VALUE}`, "after_sunset", list(`"gone" "warn"`), list(`"move" ""`), list(`"redirect"`)},
	{"sunset-headers", `{"sunset_at":"2027-06-30","after_sunset":"redirect","successor":VALUE}`, "successor", list(`"/v2" "/v2{+rest}"`), nil, list(`"/v2?a=b" "/v2#a"`)},
	{"sunset-headers", `{"sunset_at":"2027-06-30","redirect_methods":VALUE}`, "redirect_methods", []string{`["GET"]`, `["GET","POST"]`}, []string{`[]`, `["get"]`, `["TRACE"]`, `"GET"`}, nil},
	{"sunset-headers", `{"sunset_at":"2027-06-30","dry_run":VALUE}`, "dry_run", list(`true false`), list(`"yes" 1`), nil},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_schedules":[{"first_day":VALUE,"time_of_day":"10:00","minutes":[60]}]}`, "first_day", list(`"2027-06-30"`), list(noDates), append(list(noDays), `"2027-06-30T12:00:00Z"`)},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_schedules":[{"first_day":"2027-06-30","time_of_day":VALUE,"minutes":[60]}]}`, "time_of_day", list(`"00:00" "23:59"`), list(`"" "9:00" "10:60" "10" "10:00:00" 10`), list(`"24:00"`)},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_schedules":[{"first_day":"2027-06-30","time_of_day":"10:00","time_zone":VALUE,"minutes":[60]}]}`, "time_zone", list(`"UTC" "Europe/Berlin"`), list(`"" "Local" "+02:00"`), list(`"Mars/Base"`)},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_schedules":[{"first_day":"2027-06-30","time_of_day":"10:00","every_days":VALUE,"minutes":[60]}]}`, "every_days", list(`1 7 366`), list(`0 367 1.5`), nil},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_schedules":[{"first_day":"2027-06-30","time_of_day":"10:00","minutes":VALUE}]}`, "minutes", []string{`[60]`, `[60,60,720]`}, []string{`[]`, `[0]`, `[10081]`, `60`}, []string{`[10080]`}},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_shares":[{"start_at":VALUE,"to_percent":50}]}`, "start_at", list(dates), list(noDates), list(noDays)},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_shares":[{"start_at":"2027-01-01","end_at":VALUE,"to_percent":50}]}`, "end_at", list(dates), list(noDates), append(list(noDays), `"2026-12-31"`)},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_shares":[{"start_at":"2027-01-01","to_percent":VALUE}]}`, "to_percent", list(`1 100`), list(`0 101 1.5`), nil},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownout_shares":[{"start_at":"2027-01-01","to_percent":50,"from_percent":VALUE}]}`, "from_percent", list(`0 50`), list(`-1 101`), list(`51`)},
	{"sunset-headers", `{"sunset_at":"2027-06-30","successor":VALUE}`, "successor",
		append(list(links), list(`"/v2{+rest}" "https://h/v2{+rest}?a=b"`)...), append(list(noLinks), list(`"https://u:p@h{+rest}" "https://h:99999{+rest}" "https://u{+rest}@h"`)...), list(`"/{+rest}" "/v2/{id}" "/%zz" "https://{+rest}h/"`)},
	{"sunset-headers", `{"sunset_at":"2027-06-30","documentation":VALUE}`, "documentation", list(links), append(list(noLinks), `"/doc{+rest}"`), list(`"/%zz" "https://h:port/"`)},
	{"sunset-headers", `{"sunset_at":"2027-06-30","sunset_documentation":VALUE}`, "sunset_documentation", list(links), list(noLinks), list(`"/%zz"`)},
	{"sunset-headers", `{"sunset_at":"2027-06-30","policy":VALUE}`, "policy", list(links), list(noLinks), list(`"/%zz"`)},
	{"sunset-headers", `{"sunset_at":"2027-06-30","brownout_status":VALUE}`, "brownout_status", list(`410 503`), list(`500 "503"`), nil},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownouts":[{"start_at":VALUE,"duration_seconds":60}]}`, "start_at", list(dates), list(noDates), list(noDays)},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownouts":[{"start_at":"2027-01-01","end_at":VALUE}]}`, "end_at", list(dates), list(noDates), append(list(noDays), `"2026-12-31"`)},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownouts":[{"start_at":"2027-01-01","duration_seconds":VALUE}]}`, "duration_seconds", list(`1 3600`), list(`0 -1 1.5 "60" 31536001`), list(`31536000`)},
	{"sunset-headers", `{"sunset_at":"2027-12-31","brownouts":[{"start_at":"2027-01-01"VALUE}]}`, "end_at", []string{`,"end_at":"2027-01-02"`}, []string{``, `,"end_at":"2027-01-02","duration_seconds":5`}, nil},
	{"sunset-headers", `{"sunset_at":"2027-06-30","exemptions":[{"consumer":VALUE,"until":"2027-09-30"}]}`, "consumer", list(`"a" "jürgen" "a b"`), list(`"" "a\nb" 7`), nil},
	{"sunset-headers", `{"sunset_at":"2027-06-30","exemptions":[{"consumer":"a","until":VALUE}]}`, "until", list(dates), list(noDates), list(noDays)},
	{"sunset-headers", `{VALUE}`, "sunset_at", []string{`"deprecated_at":"2027-01-01"`}, []string{``, `"policy":"/p"`}, nil},

	{"pii-log-scrub", `{"actions":{"email":VALUE}}`, "actions", list(`"redact" "drop" "keep" "keep_last4" "default"`), list(`"hash" "" 1`), list(`"truncate" "pseudonym"`)},
	{"pii-log-scrub", `{"actions":{VALUE:"redact"}}`, "actions", list(`"email" "card" "custom"`), list(`"mail" "dropped"`), nil},
	{"pii-log-scrub", `{"fields":[VALUE]}`, "fields", list(`"order_ref" "X-Customer" "a1" "a.b"`), list(fieldBad), nil},
	{"pii-log-scrub", `{"never_fields":[VALUE]}`, "never_fields", list(`"order_ref" "a1"`), list(fieldBad), nil},
	{"pii-log-scrub", `{"path_templates":[VALUE]}`, "path_templates", list(`"/users/{name}" "/{a}/b/*/**" "/v1/{id}/x"`), list(`"" "users/{id}" "/users/*" "/a b/{c}" "/{a}?b" "/{}" 1`), list(`"/{a}/**/b" "/{a}/b{c}"`)},
	{"pii-log-scrub", `{"patterns":[{"name":VALUE,"regex":"C-[0-9]+"}]}`, "name", list(`"customer" "Kunde ä"`), list(`"" "a\nb"`), nil},
	{"pii-log-scrub", `{"patterns":[{"name":"a","regex":VALUE}]}`, "regex", list(`"C-\\d+" "(?i)abc" "[\\x{4e00}-\\x{9fff}]{2,4}" "\\x{20AC}\\d+" "\\pL+\\z" "(?P<id>a+)"`), list(`"" 1`), list(`"(" "[a" "(?=a)b" "(a)\\1" "a++" "x*" "a|"`)},
	{"pii-log-scrub", `{"patterns":[{"name":"a"VALUE}]}`, "regex", []string{`,"keywords":["secret"]`}, []string{``, `,"keywords":[]`}, nil},
	{"pii-log-scrub", `{"patterns":[{"name":"a","keywords":[VALUE]}]}`, "keywords", list(`"a" "ä"`), list(`"" 1`), nil},
	{"pii-log-scrub", `{"pseudonym_key":VALUE,"pseudonym_key_id":"k1"}`, "pseudonym_key", list(`"0123456789abcdef0123456789abcdef" "{vault://env/key}"`), list(`"short" ""`), nil},
	{"pii-log-scrub", `{"pseudonym_key":"0123456789abcdef0123456789abcdef"VALUE}`, "pseudonym_key_id", []string{`,"pseudonym_key_id":"k1"`}, []string{``, `,"pseudonym_key_id":"k-1"`, `,"pseudonym_key_id":"12345678901234567"`}, nil},
	{"pii-log-scrub", `{"max_value_bytes":VALUE}`, "max_value_bytes", list(`256 1048576`), list(`0 255 1048577 "1k"`), nil},
	{"pii-log-scrub", `{"max_depth":VALUE}`, "max_depth", list(`1 16`), list(`0 17`), nil},
	{"pii-log-scrub", `{"audit":VALUE}`, "audit", list(`"on" "off"`), list(`"yes" true`), nil},
	{"pii-log-scrub", `{"response_headers":[VALUE]}`, "response_headers", list(headers), append(list(noHeader), `""`), nil},

	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"tenant_claim":VALUE}}`, "tenant_claim", list(`"tenant" "https://acme.example/tenant" "große"`), list(`"" "a\nb" 1`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"user_claim":VALUE}}`, "user_claim", list(`"sub"`), list(`"" "a\u0000"`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"plan_claim":VALUE}}`, "plan_claim", list(`"plan"`), list(`"" "a\nb"`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"plan_tag":VALUE}}`, "plan_tag", list(`"plan:"`), list(`"" "a\nb"`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"plan_group":VALUE}}`, "plan_group", list(`"plan:"`), list(`"" "a\nb"`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"issuers":VALUE}}`, "issuers", []string{`[]`, `[{"consumer":"a","iss":"https://a","aud":["b"]}]`}, []string{`["a"]`, `[{}]`, `[{"consumer":"a","iss":"https://a"}]`}, []string{`[{"consumer":"a","iss":"https://a","aud":["b"]},{"consumer":"a","iss":"https://b","aud":["b"]}]`}},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"issuers":[{"consumer":VALUE,"iss":"https://a","aud":["b"]}]}}`, "consumer", list(`"a" "jürgen"`), list(`"" "a\nb" 7`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"issuers":[{"consumer":"a","iss":VALUE,"aud":["b"]}]}}`, "iss", list(`"https://id.example.com/" "accounts"`), list(`"" "a\nb" []`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"issuers":[{"consumer":"a","iss":"https://a","aud":VALUE}]}}`, "aud", []string{`["b"]`, `["b","https://c"]`}, []string{`[]`, `"b"`, `[""]`, `["a\nb"]`}, nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"identity":{"issuers":[{"consumer":"a","iss":"https://a","aud":["b"],"clock_skew_seconds":VALUE}]}}`, "clock_skew_seconds", list(`0 60`), list(`-1 61 0.5 "60"`), nil},
	{"tenant-rate-limit", `{VALUE}`, "limits", []string{`"limits":[LIMIT]`, `"plans":[{"name":"p","limits":[LIMIT]}]`}, []string{``, `"limits":[]`, `"limits":[],"plans":[]`}, nil},
	{"tenant-rate-limit", `{"limits":[{"name":VALUE,"scope":["tenant"],"limit":9,"window_seconds":60}]}`, "name", list(names), append(list(noNames), `"user-default"`, tooLong), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT,{"name":VALUE,"scope":["tenant"],"limit":9,"window_seconds":60}]}`, "name", list(`"m"`), nil, list(`"l"`)},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":VALUE,"limit":9,"window_seconds":60}]}`, "scope", []string{`["tenant"]`, `["tenant","route"]`}, []string{`[]`, `["galaxy"]`, `"tenant"`, `["claim"]`, `["header"]`}, nil},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":["claim"],"claim":VALUE,"limit":9,"window_seconds":60}]}`, "claim", list(`"org"`), list(`"" "a\nb"`), nil},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":["header"],"header":VALUE,"limit":9,"window_seconds":60}]}`, "header", list(headers), append(list(noHeader), `""`), nil},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":["user"],"limit":9,"window_seconds":60VALUE}]}`, "limits", []string{`,"cost":2`, `,"lease":9`, `,"burst":30`}, []string{`,"claim":"org"`, `,"header":"X"`, `,"period":"day"`, `,"algorithm":"calendar","period":"day"`, `,"algorithm":"fixed_window","burst":3`, `,"algorithm":"leaky"`, `,"mode":"off"`, `,"status":500`, `,"cost":0`, `,"lease":-1`}, []string{`,"lease":10`, `,"cost":10`, `,"burst":1,"cost":2`}},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":["user"],"limit":VALUE,"window_seconds":60}]}`, "limit", list(`0 1 1000000000`), list(`-1 1000000001 1.5 "1" null`), nil},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":["user"],"limit":9VALUE}]}`, "window_seconds", []string{`,"window_seconds":1`}, []string{``, `,"window_seconds":0`, `,"window_seconds":31536001`}, nil},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":["user"],"limit":9,"algorithm":"calendar","period":VALUE}]}`, "period", list(`"day" "month"`), list(`"week" null`), nil},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":["user"],"limit":9,"algorithm":"calendar","period":"day","time_zone":VALUE}]}`, "time_zone", list(`"UTC" "Europe/Berlin" "America/Argentina/Buenos_Aires" "Etc/GMT+5" "America/Port-au-Prince"`), list(`"" "Local" "Europe/Berlin " "../etc/passwd" "+01:00" "/UTC" 1`), list(`"Europe/Berln" "CEST"`)},
	{"tenant-rate-limit", `{"plans":[{"name":VALUE,"limits":[LIMIT]}]}`, "name", list(names), append(list(noNames), tooLong), nil},
	{"tenant-rate-limit", `{"plans":[{"name":"p","limits":VALUE}]}`, "limits", []string{`[LIMIT]`}, []string{`[]`, `null`}, nil},
	{"tenant-rate-limit", `{"plans":[{"name":"p","limits":[LIMIT]}],"default_plan":VALUE}`, "default_plan", list(`"p"`), list(`"" "a\nb"`), list(`"q"`)},
	{"tenant-rate-limit", `{"limits":[LIMIT],"tenants":[{"tenant":VALUE}]}`, "tenant", list(`"acme" "jürgen"`), list(`"" "a\nb"`), nil},
	{"tenant-rate-limit", `{"plans":[{"name":"p","limits":[LIMIT]}],"tenants":[{"tenant":"acme","plan":VALUE}]}`, "plan", list(`"p"`), list(`"" "a\nb"`), list(`"q"`)},
	{"tenant-rate-limit", `{"limits":[LIMIT],"tenants":[{"tenant":"acme","limits":[{"name":VALUE,"limit":1}]}]}`, "name", list(`"l"`), list(`"" "é"`), list(`"nope"`)},
	{"tenant-rate-limit", `{"limits":[LIMIT],"default_user_limit":{"expected_peak":VALUE}}`, "expected_peak", list(`1 1000000`), list(`0 1000001`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"costs":[{"cost":2,"methods":[VALUE]}]}`, "methods", list(`"GET" "M-SEARCH" "X_Y" "_A" "-" "V2" "A.B!#$%&'*+^|~"`), list(`"" "get" "Post" "G ET" "A/B" "GET," "(A)" "A:B" "É" "A\n" 1`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"costs":[{"cost":2,"routes":[VALUE]}]}`, "routes", list(`"web"`), list(`"" "a\nb"`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"costs":[{"cost":2,"header":VALUE}]}`, "header", list(headers), append(list(noHeader), `""`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"costs":[{"cost":2VALUE}]}`, "costs", []string{`,"header":"X","values":["a"]`}, []string{`,"values":["a"]`, `,"header":"X","values":[""]`}, nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"costs":[{"cost":VALUE}]}`, "cost", list(`0 1 9`), list(`-1 1000001`), list(`1000000`)},
	{"tenant-rate-limit", `{"limits":[LIMIT],"tenants":[{"tenant":"acme","limits":[{"name":"l","limit":VALUE}]}]}`, "limit", list(`0 9`), list(`-1 1000000001 null`), nil},
	{"tenant-rate-limit", `{"limits":[{"name":"a","scope":["user"],"limit":9,"window_seconds":60,"message":VALUE}]}`, "message", list(`"Mehr gibt es nicht." "a \"b\" <c>"`), list(`"" "a\nb" 1`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"problem":{"message":VALUE}}`, "message", list(`"More: https://example.com/plans"`), append(list(`"" "a\nb" 1`), `"`+strings.Repeat("n", 1025)+`"`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"problem":{"title":VALUE}}`, "title", list(`"Quota used up"`), append(list(`"" "a\nb"`), `"`+strings.Repeat("n", 129)+`"`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"problem":{"type":VALUE}}`, "type", list(`"https://example.com/problems/quota" "urn:example:quota" "tag:a@b.c,2026:x" "about:blank"`), list(`"" "quota" "/problems/quota" "https://a b" "https://é" "1x:y" "a:\nb" 1`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"exempt":{"networks":["192.0.2.0/24",VALUE]}}`, "networks", list(`"10.0.0.0/8" "2001:db8::/32" "192.0.2.1/32"`), list(`"10.0.0.1" "localhost/8" "" 10`), list(`"10.0.0.0/33" "10.0.0.1/8" "0.0.0.0/0" "::/0"`)},
	{"tenant-rate-limit", `{"limits":[LIMIT],"exempt":{"routes":[VALUE]}}`, "routes", list(`"health"`), list(`"" "a\nb" 1`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"exempt":{"consumers":[VALUE]}}`, "consumers", list(`"monitoring" "jürgen"`), list(`"" "a\nb" 1`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"exempt":{"tenants":[VALUE]}}`, "tenants", list(`"acme" "jürgen"`), list(`"" "a\nb" 1`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"policy":VALUE}`, "policy", list(`"redis" "local"`), list(`"cluster" "" 1`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"costs":[{"cost":2}VALUE]}`, "costs", []string{``}, nil, []string{`,{"cost":1}`}},
	{"tenant-rate-limit", `{"limits":[LIMIT],"redis":{"url":VALUE}}`, "url",
		list(`"redis://localhost" "redis://user:p%40ss@host:6379/0" "rediss://host:6380?server_name=h" "unix:///run/redis.sock?db=1" "redis://h?cluster=true&addr=h2:6379" "redis://[::1]:6379" "REDIS://h:1" "RedisS://u:99999@h:65535/0" "UNIX:///run/redis:99999" "{vault://env/redis-url}"`),
		list(`"" "localhost:6379" "http://redis" "https://redis" "redis//x" "redis:6379" "redis:/h" "tcp://h" "redis://a b" "redis://" "redis://h:99999" "redis://u:1@h:65536/0" "REDIS://h:0" "redis://h:123456?pool_size=3" 6379`),
		list(`"redis://h:port" "redis://h/db/x" "redis://h?cluster=true&addr=h2:99999" "redis://h?cluster=maybe" "redis://h?cluster=true&master_name=m" "redis://h?ca_file=/x" "rediss://h?ca_file=/nonexistent"`)},
	{"tenant-rate-limit", `{"limits":[LIMIT],"redis":{"timeout_ms":VALUE}}`, "timeout_ms", list(`1 1000`), list(`0 1001`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"redis":{"wait_replicas":VALUE}}`, "wait_replicas", list(`1 10`), list(`0 11`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"redis":{"key_prefix":VALUE}}`, "key_prefix", list(`"gatehouse" "a:b-c_d.e"`), list(`"" "a{b}" "a b" "é"`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"on_redis_error":VALUE}`, "on_redis_error", list(`"local" "allow" "deny"`), list(`"panic" ""`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"nodes":VALUE}`, "nodes", list(`1 10000`), list(`0 10001`), nil},
	{"tenant-rate-limit", `{"limits":[LIMIT],"hide_headers":[VALUE]}`, "hide_headers", list(`"RateLimit" "Retry-After"`), list(`"Date" ""`), nil},

	{"api-version", `{"route_header":VALUE,"apis":[API]}`, "route_header", list(`"X-Version" "X" "x-a-b-c-d"`), list(`"" "X_Version" "X Version" "X-Versi\u00f6n" "-X" "1X" "X:" "x-a-b-c-d-e" "Accept" "accept-language" "Host" "Content-Type" "X-Tenant-Id" "X-Consumer-ID" "apikey" 5`), nil},
	{"api-version", `{"request_header":VALUE,"apis":[API]}`, "request_header", list(`"X-API-Version" "Api-Version"`), list(`"" "X_API_Version" "X API" "Authorization" "ACCEPT" "Cookie" 5`), list(`"X-Gatehouse-Version" "x-gatehouse-version"`)},
	{"api-version", `{VALUE}`, "apis", []string{`"apis":[API]`}, []string{``, `"apis":[]`, `"apis":null`, `"apis":"/o"`}, []string{`"apis":[API,API]`}},
	{"api-version", `{"apis":[{"path":VALUE,"default":"v1","media_types":["a/b"],"versions":[{"name":"v1"}]}]}`, "path", list(`"/" "/partner/orders" "/a.b/c-d_e~f/"`), list(`"" "orders" "~/orders" "/a b" "/a%20b" "/é" "/a?b" "/a#b" "http://h/a" "/a\n" 1`), list(`"/a//b" "/a/./b" "/a/.."`)},
	{"api-version", `{"apis":[{"path":"/o","hosts":[VALUE],"default":"v1","media_types":["a/b"],"versions":[{"name":"v1"}]}]}`, "hosts", list(`"api.example.com" "*.example.com" "API.Example.com" "localhost"`), list(`"" "*" "a:8000" "a b" "api.*" "*example.com" "https://a" "é.com" 1`), nil},
	{"api-version", `{"apis":[{"path":"/o","default":VALUE,"media_types":["a/b"],"versions":[{"name":"v1"}]}]}`, "default", list(`"v1"`), list(`"" "v 1" "-" 1 null`), list(`"v2" "1" "V1"`)},
	{"api-version", `{"apis":[{"path":"/o","default":"v1","media_types":[VALUE],"versions":[{"name":"v1"}]}]}`, "media_types", list(`"application/json" "application/vnd.a-b_c.v1+json" "Text/HTML"`), list(`"" "json" "*/*" "application/*" "a/b;version=1" "a/b, c/d" "a/b/c" "a /b" "a/é" 1`), nil},
	{"api-version", `{"apis":[{"path":"/o","default":"v1","media_types":["a/b"],"versions":[{"name":"v1","media_types":[VALUE]}]}]}`, "media_types", list(`"application/vnd.a.v1+json"`), list(`"" "v1" "a/*"`), list(`"a/b" "A/B"`)},
	{"api-version", `{"apis":[{"path":"/o","default":"v1","media_types":["a/b"],"versions":VALUE}]}`, "versions", list(`[{"name":"v1"}] [{"name":"v1","deprecated":true},{"name":"v2"}]`), list(`[] null [{}] ["v1"]`), list(`[{"name":"v1"},{"name":"1"}] [{"name":"v1"},{"name":"V1"}]`)},
	{"api-version", `{"apis":[{"path":"/o","default":"v1","media_types":["a/b"],"versions":[{"name":"v1"},{"name":VALUE}]}]}`, "name", list(`"2026-04-01" "2" "v2.1_beta"`), list(`"" "v 2" "-1" "v2,v3" "v/2" "é" 2 null`), list(`"v1" "1"`)},
	{"api-version", `{"apis":[{"path":"/o","default":"v1","media_types":["a/b"],"versions":[{"name":"v1","deprecated":VALUE}]}]}`, "deprecated", list(`true false`), list(`"yes" 1`), nil},
	{"api-version", `{VALUE"apis":[{"path":"/o","default":"v1","versions":[{"name":"v1"},{"name":"v2"}]}]}`, "media_types", []string{`"request_header":"X-API-Version",`}, nil, []string{``}},

	{"gatehouse", `{"run":["api_version","trace_inject"],"api_version":{VALUE}}`, "apis", []string{`"apis":[API]`}, []string{``, `"apis":[]`, `"apis":[{"path":"/o"}]`}, []string{`"apis":[API,API]`}},
	{"gatehouse", `{"run":VALUE,"sunset_headers":{"sunset_at":"2027-01-01"},"tenant_rate_limit":{"limits":[LIMIT]}}`, "run", []string{`["trace_inject"]`, `["sunset_headers","tenant_rate_limit"]`}, []string{`[]`, `["trace"]`, `null`, `"trace_inject"`}, nil},
	{"gatehouse", `{"run":["trace_inject"],"trace_inject":{"response_header":VALUE}}`, "response_header", list(sentHeaders), append(list(noHeader), `"X_Trace"`), nil},
	{"gatehouse", `{"run":["sunset_headers","trace_inject"],"sunset_headers":{VALUE}}`, "sunset_at", []string{`"sunset_at":"2027-01-01"`}, []string{``, `"sunset_at":"30.06.2027"`}, []string{`"sunset_at":"2027-02-31"`}},
	{"gatehouse", `{"run":["tenant_rate_limit"],"tenant_rate_limit":{VALUE}}`, "limits", []string{`"limits":[LIMIT]`}, []string{``, `"limits":[]`}, []string{`"limits":[LIMIT,LIMIT]`}},
	{"gatehouse", `{"run":["trace_inject"]VALUE}`, "", []string{``, `,"trace_inject":{}`}, nil, nil},
}

var tooLong = `"` + strings.Repeat("n", 65) + `"`

const anAPI = `{"path":"/o","default":"v1","media_types":["a/b"],"versions":[{"name":"v1"}]}`

const aLimit = `{"name":"l","scope":["tenant"],"limit":9,"window_seconds":60}`

// list splits JSON values at the spaces between them.
func list(text string) []string {
	var values []string
	dec := json.NewDecoder(strings.NewReader(text))
	for dec.More() {
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			panic(err)
		}
		values = append(values, string(v))
	}
	return values
}

// with is the field's config with a value.
func (f field) with(value string) string {
	return strings.NewReplacer("LIMIT", aLimit, "[API", "["+anAPI, ",API", ","+anAPI).Replace(strings.ReplaceAll(f.config, "VALUE", value))
}

// TestFields: what one field, or two, can get wrong is refused by Kong, and its error
// names the field; what only code can know is not.
func TestFields(t *testing.T) {
	t.Setenv("REDIS_URL", "redis://127.0.0.1:1")
	checker, err := newChecker(configcheck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		t.Run(f.plugin+" "+f.config, func(t *testing.T) {
			for want, values := range map[string][]string{"good": f.good, "refused": f.bad, "an error": f.wrong} {
				for _, value := range values {
					wantSeverity(t, checker, f, value, want)
				}
			}
		})
	}
}

func wantSeverity(t *testing.T, checker *configcheck.Checker, f field, value, want string) {
	t.Helper()
	text := fmt.Sprintf(`{"_format_version":"3.0","services":[{"name":"s","host":"h","routes":[{"name":"r","paths":["/"]}]}],"plugins":[{"name":%q,"config":%s}]}`, f.plugin, f.with(value))
	report := checker.CheckFiles(kongyaml.File{Name: "kong.yaml", Text: []byte(text)})
	report.Findings = slices.DeleteFunc(report.Findings, func(f configcheck.Finding) bool { return !strings.HasPrefix(f.Rule, "plugin-") }) // what a field leads to is another's
	got := "good"
	switch {
	case report.Refused():
		got = "refused"
	case report.Worst() == configcheck.Error:
		got = "an error"
	}
	if got != want {
		t.Errorf("%s: %s, want %s: %v", value, got, want, report.Findings)
	}
	if want == "refused" && !slices.ContainsFunc(report.Findings, func(found configcheck.Finding) bool { return strings.Contains(found.String(), f.name) }) {
		t.Errorf("%s: no finding names %s: %v", value, f.name, report.Findings)
	}
}

// TestEveryFieldIsTried: a new field has its line in the table.
func TestEveryFieldIsTried(t *testing.T) {
	free := map[string]bool{ // what a value of the type cannot get wrong
		"ignore_parent_sampled": true, "keep_errors": true, "upstream_spans": true, "traceresponse": true, "issue": true, "observe": true, "legacy_headers": true, "window_seconds": true,
		"burst": true, "cost": true, "lease": true, "mode": true, "status": true, "algorithm": true, "values": true,
		"limits": true, "plans": true, "tenants": true, "brownouts": true, "brownout_schedules": true, "brownout_shares": true, "exemptions": true, "patterns": true, "identity": true, "propagation": true, "redis": true, "costs": true,
		"exempt": true, "preflights": true, "problem": true,
		"default_user_limit": true, "pii_log_scrub": true, "trace_inject": true, "tenant_rate_limit": true, "sunset_headers": true, "api_version": true,
	}
	tried := map[string]bool{}
	for _, f := range fields {
		tried[f.name] = true
	}
	for _, plugin := range []string{"trace-inject", "sunset-headers", "api-version", "pii-log-scrub", "tenant-rate-limit", "gatehouse"} {
		out, errs, code := gatehouse(t, "", "info", plugin)
		if code != 0 {
			t.Fatal(errs)
		}
		var dump any
		if err := json.Unmarshal([]byte(out), &dump); err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(fieldNames(dump))) {
			if !free[name] && !tried[name] && name != "config" {
				t.Errorf("%s: nothing is tried on %s", plugin, name)
			}
		}
	}
}

// fieldNames are the names of the fields in a schema dump.
func fieldNames(v any) map[string]bool {
	found := map[string]bool{}
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if members, ok := inner.([]any); ok && key == "fields" {
				for _, m := range members {
					for name := range m.(map[string]any) {
						found[name] = true
					}
				}
			}
			maps.Copy(found, fieldNames(inner))
		}
	case []any:
		for _, inner := range v {
			maps.Copy(found, fieldNames(inner))
		}
	}
	return found
}
