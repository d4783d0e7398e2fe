package lifecycle

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"
	_ "time/tzdata" // machines without it
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// minutes are how long brownouts last.
func minutes(list ...int) (lasting []time.Duration) {
	for _, n := range list {
		lasting = append(lasting, time.Duration(n)*time.Minute)
	}
	return lasting
}

func TestScheduleWindows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		zone         string
		day          string
		hour, minute int
		every        int
		lasting      []time.Duration
		until        string
		want         []string
	}{
		{"as many as are said, without an end", "UTC", "2027-05-04", 10, 0, 7, minutes(60, 720), "",
			[]string{"2027-05-04T10:00:00Z +1h0m0s", "2027-05-11T10:00:00Z +12h0m0s"}},
		{"the last goes on until the end", "UTC", "2027-05-04", 10, 0, 7, minutes(60, 720), "2027-05-25T12:00:00Z",
			[]string{"2027-05-04T10:00:00Z +1h0m0s", "2027-05-11T10:00:00Z +12h0m0s", "2027-05-18T10:00:00Z +12h0m0s", "2027-05-25T10:00:00Z +2h0m0s"}},
		{"none begins at the end", "UTC", "2027-05-04", 10, 0, 7, minutes(60), "2027-05-11T10:00:00Z",
			[]string{"2027-05-04T10:00:00Z +1h0m0s"}},
		{"the clocks go forward in between", "Europe/Berlin", "2027-03-23", 10, 0, 7, minutes(60, 60), "",
			[]string{"2027-03-23T09:00:00Z +1h0m0s", "2027-03-30T08:00:00Z +1h0m0s"}},
		{"the clocks leave the time out", "Europe/Berlin", "2027-03-27", 2, 30, 1, minutes(60, 60, 60), "",
			[]string{"2027-03-27T01:30:00Z +1h0m0s", "2027-03-28T01:30:00Z +1h0m0s", "2027-03-29T00:30:00Z +1h0m0s"}},
		{"the clocks show the time twice", "Europe/Berlin", "2027-10-30", 2, 30, 1, minutes(60, 60, 60), "",
			[]string{"2027-10-30T00:30:00Z +1h0m0s", "2027-10-31T00:30:00Z +1h0m0s", "2027-11-01T01:30:00Z +1h0m0s"}},
		// Samoa had no 30 December 2011, and moved over the date line.
		{"a day that there is not", "Pacific/Apia", "2011-12-29", 10, 0, 1, minutes(60, 60, 60), "",
			[]string{"2011-12-29T20:00:00Z +1h0m0s", "2011-12-30T20:00:00Z +1h0m0s", "2011-12-30T20:00:00Z +1h0m0s"}},
		// Lord Howe moves its clocks by half an hour.
		{"half an hour that is left out", "Australia/Lord_Howe", "2027-10-03", 2, 15, 1, minutes(60), "",
			[]string{"2027-10-02T15:45:00Z +1h0m0s"}},
		// Volgograd went an hour west for good at the end of 2020.
		{"a zone that changed its rules", "Europe/Volgograd", "2020-12-26", 12, 0, 1, minutes(60, 60), "",
			[]string{"2020-12-26T08:00:00Z +1h0m0s", "2020-12-27T09:00:00Z +1h0m0s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := Schedule{Day: day(tt.day), Hour: tt.hour, Minute: tt.minute, Zone: zone(t, tt.zone), EveryDays: tt.every, Lasting: tt.lasting}
			if tt.until != "" {
				s.Until = day(tt.until)
			}
			windows, err := s.Windows()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range windows {
				got = append(got, RFC3339(w.Start)+" +"+w.End.Sub(w.Start).String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(tt.want, ", "))
			}
		})
	}
}

func TestScheduleRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		s    Schedule
		want string
	}{
		"more than are bounded":  {Schedule{Day: day("2020-01-01"), EveryDays: 1, Until: day("2027-01-01")}, "more than 500"},
		"begun after the end":    {Schedule{Day: day("2027-01-01"), EveryDays: 7, Until: day("2026-01-01")}, "number 1 begins at 2027-01-01T00:00:00Z"},
		"past what headers say":  {Schedule{Day: day("9999-12-31"), Hour: 23, Minute: 30, EveryDays: 7}, "9999"},
		"until the last of days": {Schedule{Day: day("1970-01-01"), EveryDays: 366, Until: day("9999-12-31")}, "more than 500"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.s.Zone, tt.s.Lasting = time.UTC, minutes(60)
			windows, err := tt.s.Windows()
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(windows) > 0 {
				t.Errorf("%d windows, error %v; want %s", len(windows), err, tt.want)
			}
		})
	}
}

// TestScheduleShowsItsTime: whatever the zone, each brownout begins when its clocks show
// the time, or skip it; and they are in order, within the version's life.
func TestScheduleShowsItsTime(t *testing.T) {
	t.Parallel()
	names := []string{"UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca", "Antarctica/Troll", "America/Santiago"}
	check := func(at, days uint16, clock uint16, name uint8) bool {
		in := zone(t, names[int(name)%len(names)])
		s := Schedule{
			Day: day("2026-01-01").AddDate(0, 0, int(at%3650)), Hour: int(clock / 60 % 24), Minute: int(clock % 60),
			Zone: in, EveryDays: 1 + int(days%30), Lasting: minutes(10, 20, 30),
		}
		s.Until = s.Day.AddDate(0, 0, 400)
		windows, err := s.Windows()
		if err != nil || len(windows) < 3 {
			return false
		}
		for i, w := range windows {
			hour, minute, _ := w.Start.In(in).Clock()
			shown := hour == s.Hour && minute == s.Minute
			skipped := ahead(w.Start, in) != ahead(w.Start.Add(-3*time.Hour), in)
			if !shown && !skipped || !w.End.After(w.Start) || w.End.After(s.Until) || i > 0 && w.Start.Before(windows[i-1].End) {
				t.Logf("%s, number %d: %s to %s", in, i, w.Start.In(in), w.End.In(in))
				return false
			}
		}
		return true
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}
