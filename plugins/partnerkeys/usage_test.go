package partnerkeys_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/partnerkeys"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/usage"
)

func TestInUse(t *testing.T) {
	t.Parallel()
	var s partnerkeys.Set
	old := s.Issue("acme", now.Add(-100*day))
	fresh := s.Issue("acme", now.Add(-time.Hour))
	seen := func(k partnerkeys.Key, ago time.Duration) map[usage.Credential]time.Time {
		return map[usage.Credential]time.Time{{ID: k.ID, Consumer: k.Consumer}: now.Add(-ago)}
	}
	const unused = day
	for name, tt := range map[string]struct {
		key   partnerkeys.Key
		known partnerkeys.Usage
		want  string // empty: it may go
	}{
		"seen now":                {old, known(seen(old, 0), 0, 90*day), "acme uses it: last seen at 2026-03-14T15:09:26Z, less than 1d ago"},
		"seen just in time":       {old, known(seen(old, unused-time.Second), 0, 90*day), "acme uses it"},
		"seen before":             {old, known(seen(old, unused), 0, 90*day), ""},
		"never seen":              {old, known(nil, 0, 90*day), ""},
		"another was seen":        {old, known(seen(fresh, 0), 0, 90*day), ""},
		"nobody looked":           {old, partnerkeys.Usage{}, "is not known: no node has written"},
		"nobody looks any more":   {old, known(nil, 2*time.Minute, 90*day), "is not known: the node n1 has not written which keys are used since 2026-03-14T15:07:26Z"},
		"seen, by nobody since":   {old, known(seen(old, 30*day), 2*time.Minute, 90*day), "is not known"},
		"seen, and a doubt":       {old, known(seen(old, time.Hour), 2*time.Minute, 90*day), "acme uses it"},
		"nobody has for long":     {old, known(nil, 2*day, 90*day), "of 1 nodes or more, 0 write which keys are used"},
		"one of two is silent":    {old, two(2*time.Minute, 0), "the node n2 has not written which keys are used since 2026-03-14T15:07:26Z"},
		"silent just long enough": {old, two(unused+time.Minute, 0), "the node n2"},
		"silent for longer":       {old, two(unused+time.Minute+1, 0), ""},
		"and it was to write":     {old, two(unused+time.Minute+1, 2), "of 2 nodes or more, 1 write which keys are used"},
		"two of two write":        {old, two(time.Minute, 2), ""},
		"redis is away":           {old, partnerkeys.Usage{Err: errors.New("connection refused")}, "is not known: connection refused"},
		"looked at for too short": {old, known(nil, 0, time.Hour+time.Minute), "nodes write which keys are used since 2026-03-14T14:08:26Z"},
		"looked at all its life":  {fresh, known(nil, 0, time.Hour+time.Minute), ""},
	} {
		err := tt.known.InUse(tt.key, unused, now)
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// known is what one node has seen that wrote last so long ago, and first so long ago.
func known(seen map[usage.Credential]time.Time, written, since time.Duration) partnerkeys.Usage {
	return partnerkeys.Usage{LastSeen: usage.LastSeen{Credentials: seen, Nodes: map[string]time.Time{"n1": now.Add(-written)}, Since: now.Add(-since)}}
}

// two is what two nodes know who saw nothing, one of which is silent.
func two(silent time.Duration, expected int) partnerkeys.Usage {
	u := known(nil, 0, 90*day)
	u.Nodes["n2"], u.Expected = now.Add(-silent), expected
	return u
}

func TestUsageOf(t *testing.T) {
	t.Parallel()
	u := known(map[usage.Credential]time.Time{{ID: "1", Consumer: "acme"}: now, {ID: "2", Consumer: "globex"}: now}, 0, day)
	if list := u.Of("acme"); len(list) != 1 || list[0].ID != "1" {
		t.Errorf("of acme: %v", list)
	}
}
