package sunsetheaders_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// TestSpans: a config's brownouts are told with the entry that each is of, and what is wrong
// is left out.
func TestSpans(t *testing.T) {
	t.Parallel()
	c := sunsetheaders.Config{
		SunsetAt:  "2027-06-30",
		Brownouts: []sunsetheaders.Brownout{{StartAt: "soon", DurationSeconds: 60}, {StartAt: "2027-05-01", DurationSeconds: 60}, {StartAt: "2027-05-02", EndAt: "2027-05-01"}, {StartAt: "2027-05-02"}},
		BrownoutSchedules: []sunsetheaders.BrownoutSchedule{
			{FirstDay: "2027-06-01", TimeOfDay: "25:00", Minutes: []int{60}},
			{FirstDay: "2027-06-15", TimeOfDay: "10:00", TimeZone: "Europe/Berlin", Minutes: []int{60, 120}},
			{FirstDay: "2027-07-15", TimeOfDay: "10:00", Minutes: []int{60}},
		},
		BrownoutShares: []sunsetheaders.BrownoutShare{{StartAt: "2027-07-01", ToPercent: 9}, {StartAt: "2027-06-01", ToPercent: 9}, {StartAt: "2027-05-01", EndAt: "2027-05-02", ToPercent: 9}},
	}
	var got []string
	for _, s := range c.Spans() {
		got = append(got, fmt.Sprintf("%s[%d] %s %s", s.Field, s.Index, lifecycle.RFC3339(s.Start), lifecycle.RFC3339(s.End)))
	}
	want := []string{
		"brownouts[1] 2027-05-01T00:00:00Z 2027-05-01T00:01:00Z",
		"brownout_schedules[1] 2027-06-15T08:00:00Z 2027-06-15T09:00:00Z",
		"brownout_schedules[1] 2027-06-22T08:00:00Z 2027-06-22T10:00:00Z",
		"brownout_schedules[1] 2027-06-29T08:00:00Z 2027-06-29T10:00:00Z",
		"brownout_shares[1] 2027-06-01T00:00:00Z 2027-06-30T00:00:00Z",
		"brownout_shares[2] 2027-05-01T00:00:00Z 2027-05-02T00:00:00Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
