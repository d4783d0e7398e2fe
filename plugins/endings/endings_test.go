package endings

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/callers"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

const config = `_format_version: "3.0"
services:
  - name: orders
    host: orders
    routes:
      - { name: near, paths: [/near], plugins: [{ name: sunset-headers, config: { observe: true, deprecated_at: "2027-01-15", sunset_at: "2027-06-30", successor: "/v2{+rest}", documentation: "https://example.com/a,b", exemptions: [{ consumer: initech, until: "2027-09-30" }], brownouts: [{ start_at: "2027-05-04T10:00:00+02:00", duration_seconds: 3600 }], brownout_shares: [{ start_at: "2027-06-01", to_percent: 50 }] } }] }
      - { name: far, paths: [/far], plugins: [{ name: gatehouse, config: { run: [sunset_headers], sunset_headers: { observe: true, sunset_at: "2028-06-30", after_sunset: redirect, successor: /v2 } } }] }
      - { name: gone, paths: [/gone], plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-01-01" } }] }
      - { name: warned, paths: [/warned], plugins: [{ name: sunset-headers, config: { sunset_at: "2027-03-01", after_sunset: warn } }] }
      - { name: open, paths: [/open], plugins: [{ name: sunset-headers, config: { observe: true, deprecated_at: "2027-01-15" } }] }
      - { name: lives, paths: [/lives], plugins: [{ name: gatehouse, config: { run: [trace_inject] } }] }
`

func read(t *testing.T, text string) []Version {
	t.Helper()
	document, err := kongyaml.Layer(kongyaml.File{Name: "kong.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	list, unread, err := Versions(document)
	if err != nil || len(unread) > 0 {
		t.Fatal(unread, err)
	}
	return list
}

var now = time.Date(2027, 5, 30, 12, 0, 0, 0, time.UTC)

// calls are so many on a day before now, and one a long time ago.
func calls(name string, daysAgo int, counts callers.Counts) callers.Calls {
	at := now.Add(-time.Duration(daysAgo) * day)
	return callers.Calls{
		Caller: callers.Caller{Username: name, Tenant: name}, First: now.Add(-60 * day), Last: at, Agents: []string{"crm/1.0"},
		Days: map[time.Time]callers.Counts{now.Add(-60 * day).Truncate(day): {lifecycle.StageDeprecated: 1}, at.Truncate(day): counts},
	}
}

// shared is where nodes record that are told nothing else.
var shared = sunsetheaders.Redis{KeyPrefix: "gatehouse"}

func recorded() Records {
	deprecated := func(n int64) callers.Counts { return callers.Counts{lifecycle.StageDeprecated: n} }
	return Records{shared: {Since: now.Add(-80 * day), Routes: map[string][]callers.Calls{
		"near":  {calls("globex", 1, deprecated(5)), calls("initech", 0, deprecated(900)), calls("umbrella", 6, callers.Counts{lifecycle.StageDeprecated: 6, lifecycle.StageBrownout: 4}), calls("hooli", 7, deprecated(99))},
		"far":   {calls("globex", 1, deprecated(50))},
		"gone":  {calls("acme", 1, callers.Counts{lifecycle.StageGone: 3, lifecycle.StageRedirected: 2, lifecycle.StageDryGone: 1})},
		"open":  {calls("globex", 20, deprecated(1))},
		"other": {calls("globex", 1, deprecated(1))},
	}}}
}

// lines are the rows, shortly.
func lines(r Report) (list []string) {
	for _, row := range r.Rows {
		list = append(list, fmt.Sprintf("%s %s %s %s %d %d/%d/%d", row.Route, row.Consumer, moment(row.Ends), row.Then, row.Calls, row.Refused, row.Redirected, row.Would))
	}
	return list
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := New(read(t, config), nil, recorded(), Ask{At: now, Days: 7})
	want := []string{
		"gone acme 2027-01-01T00:00:00Z 410 6 3/2/1",
		"near umbrella 2027-06-30T00:00:00Z 410 10 4/0/0",
		"near globex 2027-06-30T00:00:00Z 410 5 0/0/0",
		"near initech 2027-09-30T00:00:00Z 410 900 0/0/0", // at an end of its own
		"far globex 2028-06-30T00:00:00Z 308 or 410 50 0/0/0",
		"near hooli 2027-06-30T00:00:00Z 410 0 0/0/0", // eight days ago
		"open globex  no end 0 0/0/0",
	}
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	silent := []Silent{
		{Route: "warned", Ends: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)},
		{Route: "open", Since: now.Add(-20 * day), Recorded: true},
	}
	if diff := cmp.Diff(silent, r.Silent); diff != "" {
		t.Errorf("silent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"other"}, r.Unknown); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
}

// TestIfSunsetToday: who is exempt today goes on, and so do callers of what only warns.
func TestIfSunsetToday(t *testing.T) {
	t.Parallel()
	r := New(read(t, config), nil, recorded(), Ask{At: now, Days: 7, IfSunsetToday: true})
	want := []string{
		"gone acme 2027-01-01T00:00:00Z 410 6 3/2/1",
		"near umbrella 2027-06-30T00:00:00Z 410 10 4/0/0",
		"near globex 2027-06-30T00:00:00Z 410 5 0/0/0",
		"far globex 2028-06-30T00:00:00Z 308 or 410 50 0/0/0",
	}
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestSilent: of a version that was never called it is not known that a node would record
// it, whatever others have. Who was forgotten has called all the same.
func TestSilent(t *testing.T) {
	t.Parallel()
	list, err := Only(read(t, config), nil, []string{"far"})
	if err != nil {
		t.Fatal(err)
	}
	quiet := map[string][]callers.Calls{"far": {calls("globex", 20, callers.Counts{lifecycle.StageDeprecated: 1})}}
	for _, tt := range []struct {
		name  string
		in    callers.Recorded
		since time.Time
	}{
		{"another version's calls", callers.Recorded{Last: map[string]time.Time{"near": now.Add(-day)}}, time.Time{}},
		{"all are forgotten", callers.Recorded{Last: map[string]time.Time{"far": now.Add(-day)}}, now.Add(-day)},
		{"the last is forgotten", callers.Recorded{Routes: quiet, Last: map[string]time.Time{"far": now.Add(-day)}}, now.Add(-day)},
		{"the last is there", callers.Recorded{Routes: quiet, Last: map[string]time.Time{"far": now.Add(-20 * day)}}, now.Add(-20 * day)},
	} {
		tt.in.Since = now.Add(-80 * day)
		r := New(list, nil, Records{shared: tt.in}, Ask{At: now, Days: 7})
		if len(r.Silent) != 1 || !r.Silent[0].Since.Equal(tt.since) || r.Silent[0].Known() == tt.since.IsZero() {
			t.Errorf("%s: %+v, want since %v", tt.name, r.Silent, tt.since)
		}
	}
	if _, err := Only(read(t, config), nil, []string{"nera"}); err == nil || !strings.Contains(err.Error(), "near") {
		t.Errorf("error of an unknown route: %v", err)
	}
}

// TestRecordedInTwoPlaces: each version is looked up where its own config has it recorded,
// and of a place without records nothing is known.
func TestRecordedInTwoPlaces(t *testing.T) {
	t.Parallel()
	list := read(t, `_format_version: "3.0"
services:
  - name: orders
    host: orders
    routes:
      - { name: here, paths: [/here], plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-06-30" } }] }
      - { name: there, paths: [/there], plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-06-30", redis: { url: "redis://there:6379/3", key_prefix: "acme:x" } } }] }
      - { name: nowhere, paths: [/nowhere], plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-06-30", redis: { key_prefix: empty } } }] }
      - { name: unseen, paths: [/unseen], plugins: [{ name: sunset-headers, config: { sunset_at: "2027-06-30", redis: { key_prefix: unseen } } }] }
`)
	there, empty := sunsetheaders.Redis{URL: "redis://there:6379/3", KeyPrefix: "acme:x"}, sunsetheaders.Redis{KeyPrefix: "empty"}
	if diff := cmp.Diff([]sunsetheaders.Redis{shared, empty, there}, RecordedIn(list)); diff != "" {
		t.Fatalf("places (-want +got):\n%s", diff)
	}
	deprecated := callers.Counts{lifecycle.StageDeprecated: 3}
	r := New(list, nil, Records{
		shared: {Since: now.Add(-80 * day), Routes: map[string][]callers.Calls{"there": {calls("stale", 1, deprecated)}}},
		there:  {Since: now.Add(-9 * day), Routes: map[string][]callers.Calls{"there": {calls("acme", 1, deprecated)}}},
		empty:  {},
	}, Ask{At: now, Days: 7})
	if diff := cmp.Diff([]string{"there acme 2027-06-30T00:00:00Z 410 3 0/0/0"}, lines(r)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	ends := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	silent := []Silent{
		{Route: "here", Ends: ends, Recorded: true}, // others' calls say nothing of it
		{Route: "nowhere", Ends: ends, Recorded: true},
		{Route: "unseen", Ends: ends},
	}
	if diff := cmp.Diff(silent, r.Silent); diff != "" {
		t.Errorf("silent (-want +got):\n%s", diff)
	}
	if !r.RecordedSince.IsZero() {
		t.Errorf("recorded since %s, and one place has no records", r.RecordedSince)
	}
}

// ownEnds has consumers with plugins of their own, in both forms, and one whose plugin is for
// another route.
const ownEnds = `_format_version: "3.0"
services:
  - name: orders
    host: orders
    plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-06-04" } }]
    routes: [{ name: v1, paths: [/v1] }, { name: v2, paths: [/v2] }]
  - { name: lone, host: lone, routes: [{ name: alive, paths: [/alive] }] }
consumers:
  - username: globex-crm
    custom_id: globex
    plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2028-03-26" } }]
  - custom_id: initech
    plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-05-30", after_sunset: redirect, successor: /v2, redis: { key_prefix: own } } }]
  - id: 6f1c8b0e-0000-4000-8000-000000000001
    username: hooli
    plugins: [{ name: sunset-headers, route: v2, config: { observe: true, sunset_at: "2027-07-01" } }]
`

// TestConsumersOfTheirOwn: a consumer's plugin takes the place of the one for all.
func TestConsumersOfTheirOwn(t *testing.T) {
	t.Parallel()
	own := sunsetheaders.Redis{KeyPrefix: "own"}
	list := read(t, ownEnds)
	if diff := cmp.Diff([]sunsetheaders.Redis{shared, own}, RecordedIn(list)); diff != "" {
		t.Fatalf("places (-want +got):\n%s", diff)
	}
	by := func(c callers.Caller) callers.Calls {
		made := calls(c.Name(), 1, callers.Counts{lifecycle.StageDeprecated: 1})
		made.Caller = c
		return made
	}
	globex, other := callers.Caller{ID: "1", Username: "globex-crm", CustomID: "globex"}, callers.Caller{ID: "4", Username: "acme", CustomID: "globex-crm"}
	initech, hooli := callers.Caller{ID: "2", Username: "erp", CustomID: "initech"}, callers.Caller{ID: "6f1c8b0e-0000-4000-8000-000000000001", Username: "hooli"}
	records := Records{
		shared: {Since: now.Add(-day), Routes: map[string][]callers.Calls{
			"v1": {by(globex), by(other), by(hooli)}, "v2": {by(hooli)}, "alive": {by(globex)},
		}},
		own: {Since: now.Add(-day), Routes: map[string][]callers.Calls{"v1": {by(initech)}}},
	}
	r := New(list, nil, records, Ask{At: now, Days: 7})
	want := []string{
		"v1 erp 2027-05-30T00:00:00Z 308 or 410 1 0/0/0",
		"v1 acme 2027-06-04T00:00:00Z 410 1 0/0/0",
		"v1 hooli 2027-06-04T00:00:00Z 410 1 0/0/0",
		"v2 hooli 2027-07-01T00:00:00Z 410 1 0/0/0",
		"alive globex-crm 2028-03-26T00:00:00Z 410 1 0/0/0",
		"v1 globex-crm 2028-03-26T00:00:00Z 410 1 0/0/0",
	}
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	r = New(list, nil, records, Ask{At: now, Days: 7, IfSunsetToday: true})
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Errorf("if they ended today (-want +got):\n%s", diff)
	}
	if text := calendar(t, now, list...); strings.Contains(text, "2028") || strings.Contains(text, "alive") {
		t.Errorf("the calendar for all has an end of one consumer:\n%s", text)
	}
}

// TestOnlyOneConsumerEnds: who has no plugin of its own goes on, and is not written to first.
func TestOnlyOneConsumerEnds(t *testing.T) {
	t.Parallel()
	list, err := Only(read(t, ownEnds), nil, []string{"alive"})
	if err != nil {
		t.Fatal(err)
	}
	r := New(list, nil, Records{shared: {Since: now.Add(-day), Routes: map[string][]callers.Calls{
		"alive": {calls("acme", 1, callers.Counts{lifecycle.StageDeprecated: 900}), calls("globex-crm", 1, callers.Counts{lifecycle.StageDeprecated: 1})},
	}}}, Ask{At: now, Days: 7})
	want := []string{"alive globex-crm 2028-03-26T00:00:00Z 410 1 0/0/0", "alive acme  no end 900 0/0/0"}
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestRouteWithoutName: it is in the calendar by what it matches, and of its callers nothing
// is known: Kong makes an id for it.
func TestRouteWithoutName(t *testing.T) {
	t.Parallel()
	list := read(t, `_format_version: "3.0"
services:
  - name: orders
    host: orders
    plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-06-30" } }]
    routes:
      - { paths: [/partner/v1/orders] }
      - { paths: [/orders, /bills], methods: [GET], hosts: [api.example.com], headers: { x-b: [two], x-a: [v1, v2] } }
      - { id: 3ed1ecf3-0000-4000-8000-000000000001, paths: [/by-id] }
`)
	r := New(list, nil, Records{shared: {Since: now.Add(-day), Routes: map[string][]callers.Calls{"made-by-kong": {calls("acme", 1, callers.Counts{lifecycle.StageDeprecated: 1})}}}}, Ask{At: now, Days: 7})
	ends := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	silent := []Silent{
		{Route: "/partner/v1/orders", Ends: ends, Unnamed: true},
		{Route: "3ed1ecf3-0000-4000-8000-000000000001", Ends: ends, Recorded: true},
		{Route: "GET api.example.com /orders,/bills x-a: v1,v2 x-b: two", Ends: ends, Unnamed: true},
	}
	if diff := cmp.Diff(silent, r.Silent); diff != "" {
		t.Errorf("silent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"made-by-kong"}, r.Unknown); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	if text := calendar(t, now, list...); !strings.Contains(text, "SUMMARY:/partner/v1/orders ends\r\n") || strings.Count(text, "BEGIN:VEVENT") != 3 {
		t.Errorf("the calendar is:\n%s", text)
	}
}

// TestUnread: a version whose config has a mistake, which Kong runs degraded, takes no other
// version along, and is not taken for a route that ends nothing.
func TestUnread(t *testing.T) {
	t.Parallel()
	document, err := kongyaml.Layer(kongyaml.File{Name: "kong.yaml", Text: []byte(`_format_version: "3.0"
services:
  - name: orders
    host: orders
    plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-06-31", after_sunset: later } }]
    routes:
      - { name: bad, paths: [/bad] }
      - { name: worse, paths: [/worse] }
      - { name: good, paths: [/good], plugins: [{ name: sunset-headers, config: { observe: true, sunset_at: "2027-06-30" } }] }
`)})
	if err != nil {
		t.Fatal(err)
	}
	list, unread, err := Versions(document)
	if err != nil || len(list) != 1 || list[0].Route != "good" || len(unread) != 2 || unread[0].Route != "bad" || unread[1].Route != "worse" {
		t.Fatalf("%+v, %+v, error %v", list, unread, err)
	}
	if text := unread[1].Error(); !strings.HasPrefix(text, "route worse: ") || !strings.Contains(text, "sunset_at") || !strings.Contains(text, "after_sunset") || strings.Contains(text, "\n") {
		t.Errorf("the mistakes are %q", text)
	}
	called := []callers.Calls{calls("acme", 1, callers.Counts{lifecycle.StageDeprecated: 1})}
	r := New(list, unread, Records{shared: {Routes: map[string][]callers.Calls{"bad": called, "good": called, "other": called}}}, Ask{At: now, Days: 7})
	if diff := cmp.Diff([]string{"other"}, r.Unknown); diff != "" || len(r.Rows) != 1 || len(r.Unread) != 2 {
		t.Errorf("%+v", r)
	}
	if _, err := Only(list, unread, []string{"bad"}); err == nil || !strings.Contains(err.Error(), "route bad: ") {
		t.Errorf("error of one that cannot be read: %v", err)
	}
}

// harmless is false of a cell that a spreadsheet may take for a formula.
func harmless(cell string) bool {
	trimmed := strings.TrimLeft(cell, " ")
	return !strings.ContainsAny(cell, "\t\r\n") && (trimmed == "" || !strings.ContainsRune("=+-@＝＋－＠", []rune(trimmed)[0]))
}

func FuzzCSV(f *testing.F) {
	f.Add("=HYPERLINK(\"http://evil\")", "a,b\"c")
	f.Add(" \t@SUM(1)", "＋1")
	f.Add("-1+1|cmd", "\r\n=1")
	f.Fuzz(func(t *testing.T, name, agent string) {
		r := Report{Rows: []Row{{Route: name, Consumer: name, Tenant: agent, Agents: []string{agent}}}}
		var text bytes.Buffer
		if err := r.CSV(&text); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(&text).ReadAll()
		if err != nil || len(records) != 2 {
			t.Fatalf("%d records, error %v: %q", len(records), err, text.String())
		}
		for _, cell := range records[1] {
			if !harmless(cell) {
				t.Errorf("a cell is %q", cell)
			}
		}
	})
}

// TestCSVColumns: each cell is below its name.
func TestCSVColumns(t *testing.T) {
	t.Parallel()
	r := New(read(t, config), nil, recorded(), Ask{At: now, Days: 7})
	var text bytes.Buffer
	if err := r.CSV(&text); err != nil {
		t.Fatal(err)
	}
	const want = "route,consumer,custom_id,tenant,ends,then,calls,refused,redirected,would,first_seen,last_seen,user_agents\r\n" +
		"gone,acme,,acme,2027-01-01T00:00:00Z,410,6,3,2,1,2027-03-31T12:00:00Z,2027-05-29T12:00:00Z,crm/1.0\r\n"
	if !strings.HasPrefix(text.String(), want) {
		t.Errorf("got:\n%s", text.String())
	}
}
