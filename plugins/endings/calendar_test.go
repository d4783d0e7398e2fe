package endings

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

func calendar(t *testing.T, at time.Time, versions ...Version) string {
	t.Helper()
	var text bytes.Buffer
	if err := Calendar(&text, versions, at); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// contentLine is RFC 5545's, section 3.1, as far as our properties need it.
var contentLine = regexp.MustCompile(`^([A-Z0-9-]+)((?:;[A-Z0-9-]+=[^;:,"]+)*):([^\x00-\x08\x0a-\x1f\x7f]*)$`)

// unfold reads a calendar by the letter of RFC 5545, section 3.1: lines of at most 75
// octets, each whole in UTF-8, that end in CRLF.
func unfold(t *testing.T, text string) (lines []string) {
	t.Helper()
	text, ok := strings.CutSuffix(text, "\r\n")
	if !ok {
		t.Fatal("the last line has no end")
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
		if rest, folded := strings.CutPrefix(line, " "); folded && len(lines) > 0 {
			lines[len(lines)-1] += rest
		} else {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		if !contentLine.MatchString(line) {
			t.Errorf("no content line: %q", line)
		}
	}
	return lines
}

// events are the events of a calendar, by their properties.
func events(t *testing.T, text string) (list []map[string]string) {
	t.Helper()
	for _, line := range unfold(t, text) {
		parts := contentLine.FindStringSubmatch(line)
		switch {
		case parts == nil:
		case line == "BEGIN:VEVENT":
			list = append(list, map[string]string{})
		case len(list) > 0:
			list[len(list)-1][parts[1]] = parts[3]
		}
	}
	return list
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	list, err := Only(read(t, config), nil, []string{"near"})
	if err != nil {
		t.Fatal(err)
	}
	text := calendar(t, now, list...)
	lines := unfold(t, text)
	for _, want := range []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Gatehouse//API versions//EN", "REFRESH-INTERVAL;VALUE=DURATION:P1D",
		"DTSTAMP:20270530T120000Z",
		"SUMMARY:near is deprecated", "DTSTART:20270115T000000Z",
		"SUMMARY:near is switched off for a while", "DTSTART:20270504T080000Z", "DTEND:20270504T090000Z",
		"SUMMARY:near refuses more and more requests", "DTSTART:20270601T000000Z", "DTEND:20270630T000000Z",
		"SUMMARY:near ends", "DTSTART:20270630T000000Z", "URL:https://example.com/a,b",
		"DESCRIPTION:From then on requests are answered 410. Use /v2 instead.",
		"END:VCALENDAR",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "initech") {
		t.Error("it names who is exempt")
	}
}

// TestCalendarIsStable: an event has one UID whenever it is written, also when its date
// moves, and no other event has it.
func TestCalendarIsStable(t *testing.T) {
	t.Parallel()
	uids := func(text string) map[string]string {
		by := map[string]string{}
		for _, e := range events(t, text) {
			if by[e["UID"]] != "" {
				t.Errorf("two events have the UID %s", e["UID"])
			}
			by[e["UID"]] = e["SUMMARY"]
		}
		return by
	}
	before := uids(calendar(t, now, read(t, config)...))
	after := uids(calendar(t, now.Add(day), read(t, strings.ReplaceAll(config, "2027-06-30", "2027-07-31"))...))
	if len(before) != 8 || len(after) != len(before) {
		t.Errorf("%d events, and then %d; want 8", len(before), len(after))
	}
	for uid, summary := range before {
		if after[uid] != summary {
			t.Errorf("%s was %q, and is %q", uid, summary, after[uid])
		}
	}
}

// FuzzCalendar: whatever a route is called, the calendar is one, and says it.
func FuzzCalendar(f *testing.F) {
	f.Add("partner; orders, v1\\\nBEGIN:VEVENT", "/v2")
	f.Add(strings.Repeat("ü€😀 ", 40), "/"+strings.Repeat("a", 200))
	f.Add("\xff\x00\x7f", "https://example.com/")
	f.Fuzz(func(t *testing.T, route, successor string) {
		v := Version{Route: route, Life: Life{Plan: lifecycle.New(lifecycle.Terms{Sunset: now, Deprecation: now.Add(-day), Successor: successor, Documentation: "https://example.com/"})}}
		list := events(t, calendar(t, now, v))
		if len(list) != 2 {
			t.Fatalf("%d events", len(list))
		}
		unescaped := strings.NewReplacer(`\\`, `\`, `\;`, ";", `\,`, ",", `\n`, "\n").Replace(list[1]["SUMMARY"])
		if unescaped != plainText(route)+" ends" {
			t.Errorf("%q of %q", unescaped, route)
		}
	})
}
