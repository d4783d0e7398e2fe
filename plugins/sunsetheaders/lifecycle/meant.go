package lifecycle

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dayForms are ways in which people write a day, by package time's layouts.
var dayForms = []string{
	"2006-1-2", "2006/1/2", "2006.1.2", "20060102", "2006-002",
	"2.1.2006", "2-Jan-2006",
	"January 2 2006", "January 2, 2006", "2 January 2006", "2. January 2006",
	"Jan 2 2006", "Jan 2, 2006", "2 Jan 2006", "Monday, January 2, 2006", "Mon, 2 Jan 2006",
}

// slashed are the two ways to write a day with slashes, which nothing tells apart.
var slashed = []string{"2/1/2006", "1/2/2006"}

// timeForms are ways to write a day and a time with an offset.
var timeForms = []string{
	"2006-1-2 15:04:05Z07:00", "2006-1-2 15:04:05 Z07:00", "2006-1-2T15:04:05Z07:00", "2006-1-2T15:04Z07:00", "2006-1-2 15:04Z07:00",
	"2006-1-2T15:04:05Z0700", "2006-1-2 15:04:05 -0700", "2006-1-2T15:04:05Z07", "20060102T150405Z07:00", "20060102T150405Z0700",
	"2006-1-2T15Z07:00",
	http.TimeFormat, time.RFC1123Z,
}

// localForms are day and time without an offset.
var localForms = []string{"2006-1-2T15:04:05", "2006-1-2 15:04:05", "2006-1-2T15:04", "2006-1-2 15:04", "20060102T150405"}

var (
	weekDate  = regexp.MustCompile(`^(\d{4})-?[Ww](\d\d)(?:-?([1-7]))?$`)
	midnight  = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ]24:00(?::00)?(?:\.0+)?(.*)$`)
	zoneName  = regexp.MustCompile(`^(.*\d:\d\d(?::\d\d)?) ?([A-Za-z]{2,5}|[A-Za-z]+/[A-Za-z_/]+)$`)
	longYear  = regexp.MustCompile(`^[+-]\d{4,6}-|^\d{5,6}-\d\d-\d\d|^-\d{4}`)
	allDigits = regexp.MustCompile(`^-?\d{9,19}(?:\.\d+)?$`)
)

// meant says how to write what is no date by RFC 3339, of which there are many forms.
func meant(value string) error {
	text := strings.TrimSpace(value)
	switch {
	case text != value && dateForm.MatchString(text):
		return fmt.Errorf("has spaces around it; write %s", text)
	case longYear.MatchString(text):
		return errYear
	case allDigits.MatchString(text):
		return unixTime(text)
	}
	if m := midnight.FindStringSubmatch(text); m != nil {
		return nextDay(m[1], m[2])
	}
	if m := weekDate.FindStringSubmatch(text); m != nil {
		return week(m)
	}
	if days := read(text, slashed); len(days) > 0 {
		return fmt.Errorf("is a day to be guessed, and no date by RFC 3339; write %s", join(days, time.DateOnly))
	}
	if days := read(text, dayForms); len(days) > 0 {
		return fmt.Errorf("is not how RFC 3339 writes a date; write %s", join(days[:1], time.DateOnly))
	}
	if times := read(text, timeForms); len(times) > 0 {
		return fmt.Errorf("is not how RFC 3339 writes a date and time; write %s", join(times[:1], time.RFC3339))
	}
	return withoutOffset(text)
}

// withoutOffset is about a time that is another one in each time zone.
func withoutOffset(text string) error {
	local, zone := text, ""
	if m := zoneName.FindStringSubmatch(text); m != nil {
		local, zone = m[1], m[2]
	}
	times := read(local, localForms)
	if len(times) == 0 {
		return errNoDate
	}
	utc := times[0].Format(time.RFC3339)
	there := strings.TrimSuffix(utc, "Z") + "+02:00"
	if zone != "" {
		return fmt.Errorf("names a time zone, and RFC 3339 has offsets only; write %s for UTC, or one such as %s", utc, there)
	}
	return fmt.Errorf("has no offset, which RFC 3339 asks for; write %s for UTC, or one such as %s", utc, there)
}

// unixTime is about seconds since 1970, or thousandths, millionths or billionths of them.
func unixTime(text string) error {
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	for ; err == nil && n >= 100_000_000_000; n /= 1000 {
	}
	if err != nil || n < 0 {
		return errYear
	}
	return fmt.Errorf("is Unix time; write %s", time.Unix(n, 0).UTC().Format(time.RFC3339))
}

// nextDay is about the hour 24, which ISO 8601 once had and RFC 3339 has not.
func nextDay(day, offset string) error {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return errNoDate
	}
	fixed := t.AddDate(0, 0, 1).Format("2006-01-02T15:04:05") + strings.ToUpper(offset)
	if _, err = ParseDate(fixed); err != nil {
		return errNoDate
	}
	return fmt.Errorf("has an hour 24, which is the next day's 00; write %s", fixed)
}

// week is about a week of ISO 8601, or a day of one: the first is that of 4 January.
func week(m []string) error {
	year, _ := strconv.Atoi(m[1])
	number, _ := strconv.Atoi(m[2])
	day, err := strconv.Atoi(m[3])
	if err != nil { // the whole week: its Monday
		day = 1
	}
	fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	t := monday.AddDate(0, 0, (number-1)*7+day-1)
	if of, is := t.ISOWeek(); of != year || is != number {
		return errNoDate
	}
	if t.Unix() < 0 || !t.Before(YearEnd) {
		return errYear
	}
	return fmt.Errorf("is a week of ISO 8601, which RFC 3339 has not; write %s", t.Format(time.DateOnly))
}

// read returns the dates that text is by any of the layouts, each once, of those that a
// header can say.
func read(text string, layouts []string) (list []time.Time) {
	for _, layout := range layouts {
		t, err := time.Parse(layout, text)
		if err == nil && t.Unix() >= 0 && t.Before(YearEnd) && (len(list) == 0 || !list[0].Equal(t)) {
			list = append(list, t)
		}
	}
	return list
}

// join writes dates, with "or" between them.
func join(list []time.Time, layout string) string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = t.Format(layout)
	}
	return strings.Join(texts, " or ")
}
