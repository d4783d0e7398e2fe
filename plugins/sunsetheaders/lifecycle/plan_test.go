package lifecycle

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// terms is the life of a version that the tests look at from all sides.
func terms() Terms {
	return Terms{
		Deprecation: day("2026-01-15"), Sunset: day("2027-06-30"), BrownoutStatus: 503,
		Successor: "/partner/v2/orders", Documentation: "https://d.example/dep", SunsetDocumentation: "https://d.example/end",
		Brownouts: []Window{
			{day("2027-05-04T10:00:00Z"), day("2027-05-04T11:00:00Z")},
			{day("2027-06-01"), day("2027-06-02")},
		},
		Exemptions: map[string]time.Time{"initech": day("2027-09-30"), "early-bird": day("2027-05-31")},
	}
}

// day is a date that the tests know to be one.
func day(value string) time.Time {
	date, err := ParseDate(value)
	if err != nil {
		panic(err)
	}
	return date
}

func at(t testing.TB, value string) time.Time {
	t.Helper()
	date, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		t.Fatal(err)
	}
	return date
}

func TestDecideStage(t *testing.T) {
	t.Parallel()
	warn := terms()
	warn.AfterSunset = AfterSunsetWarn
	onlySunset := Terms{Sunset: day("2027-06-30")}
	onlyDeprecated := Terms{Deprecation: day("2026-01-15")}
	exempt := Caller{CustomID: "initech"}
	tests := []struct {
		name   string
		terms  Terms
		now    string
		caller Caller
		want   Stage
	}{
		{"before the deprecation", terms(), "2026-01-14T23:59:59Z", Caller{}, StageAnnounced},
		{"at the deprecation", terms(), "2026-01-15T00:00:00Z", Caller{}, StageDeprecated},
		{"before a brownout", terms(), "2027-05-04T09:59:59.999Z", Caller{}, StageDeprecated},
		{"a brownout begins", terms(), "2027-05-04T10:00:00Z", Caller{}, StageBrownout},
		{"a brownout's last moment", terms(), "2027-05-04T10:59:59.999Z", Caller{}, StageBrownout},
		{"a brownout is over", terms(), "2027-05-04T11:00:00Z", Caller{}, StageDeprecated},
		{"the second brownout", terms(), "2027-06-01T12:00:00Z", Caller{}, StageBrownout},
		{"the last moment", terms(), "2027-06-29T23:59:59.999Z", Caller{}, StageDeprecated},
		{"the end", terms(), "2027-06-30T00:00:00Z", Caller{}, StageGone},
		{"long after", terms(), "2037-01-01T00:00:00Z", Caller{}, StageGone},

		{"exempt, but nothing to be exempt from", terms(), "2027-01-01T00:00:00Z", exempt, StageDeprecated},
		{"exempt in a brownout", terms(), "2027-05-04T10:30:00Z", exempt, StageExempt},
		{"exempt after the end", terms(), "2027-09-29T23:59:59Z", exempt, StageExempt},
		{"the exemption ends", terms(), "2027-09-30T00:00:00Z", exempt, StageGone},
		{"exempt by username", terms(), "2027-07-01T00:00:00Z", Caller{Username: "initech"}, StageExempt},
		{"exempt by id", terms(), "2027-07-01T00:00:00Z", Caller{ID: "initech"}, StageExempt},
		{"not exempt", terms(), "2027-07-01T00:00:00Z", Caller{Username: "globex"}, StageGone},
		{"exempt from the first brownout only", terms(), "2027-06-01T12:00:00Z", Caller{Username: "early-bird"}, StageBrownout},
		{"the longest of several exemptions counts", terms(), "2027-07-01T00:00:00Z", Caller{Username: "early-bird", CustomID: "initech"}, StageExempt},

		{"warn after the end", warn, "2027-07-01T00:00:00Z", Caller{}, StageOverdue},
		{"no deprecation date", onlySunset, "2020-01-01T00:00:00Z", Caller{}, StageDeprecated},
		{"no deprecation date, the end", onlySunset, "2027-06-30T00:00:00Z", Caller{}, StageGone},
		{"no end", onlyDeprecated, "2099-01-01T00:00:00Z", Caller{}, StageDeprecated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := New(tt.terms)
			d := plan.Decide(at(t, tt.now), tt.caller)
			if d.Stage != tt.want {
				t.Errorf("stage %s, want %s", d.Stage, tt.want)
			}
			if refused := d.Refusal != nil; refused != (tt.want == StageGone || tt.want == StageBrownout) {
				t.Errorf("stage %s, refused: %v", d.Stage, refused)
			}
		})
	}
}

func TestDecideHeaders(t *testing.T) {
	t.Parallel()
	const links = `</partner/v2/orders>; rel="successor-version", <https://d.example/dep>; rel="deprecation", <https://d.example/end>; rel="sunset"`
	plan := New(terms())
	now := at(t, "2026-06-01T00:00:00Z")
	got := plan.Decide(now, Caller{}).Headers
	want := map[string][]string{
		"Deprecation": {"@1768435200"}, "Sunset": {"Wed, 30 Jun 2027 00:00:00 GMT"}, "Link": {links},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	want["Sunset"] = []string{"Thu, 30 Sep 2027 00:00:00 GMT"}
	if diff := cmp.Diff(want, plan.Decide(now, Caller{CustomID: "initech"}).Headers); diff != "" {
		t.Errorf("headers of an exempt caller (-want +got):\n%s", diff)
	}
	early := plan.Decide(now, Caller{Username: "early-bird"}).Headers["Sunset"]
	if early[0] != "Wed, 30 Jun 2027 00:00:00 GMT" {
		t.Errorf("an exemption that ends before the version moved its end to %s", early)
	}
	bare := New(Terms{Sunset: day("2027-06-30")})
	if diff := cmp.Diff(map[string][]string{"Sunset": {"Wed, 30 Jun 2027 00:00:00 GMT"}}, bare.Decide(now, Caller{}).Headers); diff != "" {
		t.Errorf("headers of bare terms (-want +got):\n%s", diff)
	}
}

// TestDecideSunsetNeverBeforeDeprecation is RFC 9745 section 4, for any caller
// at any time.
func TestDecideSunsetNeverBeforeDeprecation(t *testing.T) {
	t.Parallel()
	plan := New(terms())
	for day := range 800 {
		now := at(t, "2026-01-01T12:00:00Z").AddDate(0, 0, day)
		for _, caller := range []Caller{{}, {CustomID: "initech"}, {Username: "early-bird"}} {
			d := plan.Decide(now, caller)
			sunset, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", d.Headers["Sunset"][0])
			if err != nil || sunset.Before(plan.Deprecation) {
				t.Fatalf("%s, %v: Sunset %s (%v) is before the deprecation", now, caller, sunset, err)
			}
			if d.Refusal == nil && !now.Before(sunset) {
				t.Fatalf("%s, %v: goes on after its Sunset %s", now, caller, sunset)
			}
			if d.Refusal != nil && d.Stage == StageGone && now.Before(sunset) {
				t.Fatalf("%s, %v: gone before its Sunset %s", now, caller, sunset)
			}
		}
	}
}

// body is what clients read of a refusal.
type body struct {
	Type         string `json:"type"`
	Title        string `json:"title"`
	Status       int    `json:"status"`
	Detail       string `json:"detail"`
	DeprecatedAt string `json:"deprecated_at"`
	SunsetAt     string `json:"sunset_at"`
	Successor    string `json:"successor"`
	RetryAt      string `json:"retry_at"`
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	rehearsal := terms()
	rehearsal.BrownoutStatus = 410
	template := Terms{Sunset: day("2027-06-30"), Successor: "/v2/orders{+rest}"}
	endless := Terms{Deprecation: day("2026-01-15"), BrownoutStatus: 503, Brownouts: []Window{{day("2027-01-01"), day("2027-01-01T00:01:00Z")}}}
	tests := []struct {
		name       string
		terms      Terms
		now        string
		caller     Caller
		retryAfter string
		want       body
	}{
		{"gone", terms(), "2027-07-01T00:00:00Z", Caller{}, "", body{
			Type: "https://d.example/end", Title: "API version has ended", Status: 410,
			Detail:       "This API version was deprecated at 2026-01-15T00:00:00Z and ended at 2027-06-30T00:00:00Z. Use /partner/v2/orders instead.",
			DeprecatedAt: "2026-01-15T00:00:00Z", SunsetAt: "2027-06-30T00:00:00Z", Successor: "/partner/v2/orders",
		}},
		{"gone after an exemption", terms(), "2027-10-01T00:00:00Z", Caller{CustomID: "initech"}, "", body{
			Type: "https://d.example/end", Title: "API version has ended", Status: 410,
			Detail:       "This API version was deprecated at 2026-01-15T00:00:00Z and ended at 2027-09-30T00:00:00Z. Use /partner/v2/orders instead.",
			DeprecatedAt: "2026-01-15T00:00:00Z", SunsetAt: "2027-09-30T00:00:00Z", Successor: "/partner/v2/orders",
		}},
		{"gone, without a document", Terms{Sunset: day("2027-06-30")}, "2027-07-01T00:00:00Z", Caller{}, "", body{
			Type: "about:blank", Title: "Gone", Status: 410,
			Detail: "This API version ended at 2027-06-30T00:00:00Z.", SunsetAt: "2027-06-30T00:00:00Z",
		}},
		{"gone, with the resource's own successor", template, "2027-07-01T00:00:00Z", Caller{Rest: "/4711"}, "", body{
			Type: "about:blank", Title: "Gone", Status: 410,
			Detail:   "This API version ended at 2027-06-30T00:00:00Z. Use /v2/orders/4711 instead.",
			SunsetAt: "2027-06-30T00:00:00Z", Successor: "/v2/orders/4711",
		}},
		{"brownout", terms(), "2027-05-04T10:30:00.25Z", Caller{}, "1800", body{
			Type: "https://d.example/end", Title: "API version is in a brownout", Status: 503,
			Detail:       "This API version is switched off until 2027-05-04T11:00:00Z on purpose, so that its callers notice that it is going to end. It ends at 2027-06-30T00:00:00Z. Use /partner/v2/orders instead.",
			DeprecatedAt: "2026-01-15T00:00:00Z", SunsetAt: "2027-06-30T00:00:00Z", Successor: "/partner/v2/orders", RetryAt: "2027-05-04T11:00:00Z",
		}},
		{"brownout that rehearses the end, its last moment", rehearsal, "2027-05-04T10:59:59.999Z", Caller{}, "1", body{
			Type: "https://d.example/end", Title: "API version is in a brownout", Status: 410,
			Detail:       "This API version is switched off until 2027-05-04T11:00:00Z on purpose, so that its callers notice that it is going to end. It ends at 2027-06-30T00:00:00Z. Use /partner/v2/orders instead.",
			DeprecatedAt: "2026-01-15T00:00:00Z", SunsetAt: "2027-06-30T00:00:00Z", Successor: "/partner/v2/orders", RetryAt: "2027-05-04T11:00:00Z",
		}},
		{"brownout without an end in sight", endless, "2027-01-01T00:00:00Z", Caller{}, "60", body{
			Type: "about:blank", Title: "Service Unavailable", Status: 503,
			Detail:       "This API version is switched off until 2027-01-01T00:01:00Z on purpose, so that its callers notice that it is going to end.",
			DeprecatedAt: "2026-01-15T00:00:00Z", RetryAt: "2027-01-01T00:01:00Z",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := New(tt.terms)
			d := plan.Decide(at(t, tt.now), tt.caller)
			if d.Refusal == nil {
				t.Fatal("not refused")
			}
			var got body
			if err := json.Unmarshal(d.Refusal.Body, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
			want := map[string][]string{"Content-Type": {"application/problem+json"}, "Cache-Control": {"no-store"}}
			if tt.retryAfter != "" {
				want["Retry-After"] = []string{tt.retryAfter}
			}
			for name, values := range d.Headers {
				want[name] = values
			}
			if diff := cmp.Diff(want, d.Refusal.Headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if d.Refusal.Status != tt.want.Status {
				t.Errorf("status %d, want %d", d.Refusal.Status, tt.want.Status)
			}
		})
	}
}

func TestMergeWindows(t *testing.T) {
	t.Parallel()
	hour := func(h int) time.Time { return time.Date(2027, 1, 1, h, 0, 0, 0, time.UTC) }
	tests := []struct {
		name     string
		in, want []Window
	}{
		{"none", nil, nil},
		{"sorted", []Window{{hour(5), hour(6)}, {hour(1), hour(2)}}, []Window{{hour(1), hour(2)}, {hour(5), hour(6)}}},
		{"overlapping", []Window{{hour(1), hour(3)}, {hour(2), hour(4)}}, []Window{{hour(1), hour(4)}}},
		{"touching", []Window{{hour(1), hour(2)}, {hour(2), hour(3)}}, []Window{{hour(1), hour(3)}}},
		{"one in another", []Window{{hour(1), hour(9)}, {hour(2), hour(3)}, {hour(4), hour(5)}}, []Window{{hour(1), hour(9)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, mergeWindows(tt.in)); diff != "" {
				t.Errorf("windows (-want +got):\n%s", diff)
			}
		})
	}
}
