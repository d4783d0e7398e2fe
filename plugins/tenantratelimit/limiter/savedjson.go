package limiter

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// savedText is [Saved] as JSON. Counters name their limits by place in Limits, from 1
// on, since many have the same; 0 is none. Times are in microseconds.
type savedText struct {
	Limits   []specText    `json:"limits"`
	Counters []counterText `json:"counters"`
}

// specText is a [Spec]; the window is in seconds, the zone is a name.
type specText struct {
	Name      string    `json:"name"`
	Algorithm Algorithm `json:"algorithm"`
	Quota     int64     `json:"quota"`
	Window    int64     `json:"window,omitempty"`
	Burst     int64     `json:"burst,omitempty"`
	Period    Period    `json:"period,omitempty"`
	Zone      string    `json:"zone,omitempty"`
	Shadow    bool      `json:"shadow,omitempty"`
	Lease     int64     `json:"lease,omitempty"`
}

type counterText struct {
	Key   string `json:"key"`
	Limit int    `json:"limit,omitempty"`
	// State is a stamp, a basis, and the counts but for zeros at the end.
	State []int64    `json:"state,omitempty"`
	Stale bool       `json:"stale,omitempty"`
	Heard *heardText `json:"heard,omitempty"`
	Alone int64      `json:"alone,omitempty"`
	Asked int64      `json:"asked,omitempty"`
	Nodes int64      `json:"nodes,omitempty"`
	Owed  int64      `json:"owed,omitempty"`
}

type heardText struct {
	Limit     int   `json:"limit"`
	At        int64 `json:"at"`
	Ahead     int64 `json:"ahead"`
	Remaining int64 `json:"remaining"`
	Reset     int64 `json:"reset"`
}

// MaxNodes bounds how many nodes one may have heard of.
const MaxNodes = 1 << 20

// MarshalJSON writes limits as their specs and calendars' zones by name.
func (s Saved) MarshalJSON() ([]byte, error) {
	var text savedText
	known := map[Spec]int{}
	place := func(l *Limit) int {
		if l == nil {
			return 0
		}
		if known[l.Spec] == 0 {
			text.Limits = append(text.Limits, l.text())
			known[l.Spec] = len(text.Limits)
		}
		return known[l.Spec]
	}
	for i := range s.counters {
		c := &s.counters[i]
		row := counterText{
			Key: c.key, Limit: place(c.limit), State: c.state.text(), Stale: c.stale,
			Alone: c.alone, Asked: c.asked, Nodes: c.nodes, Owed: c.owed,
		}
		if h := &c.heard; h.at != 0 {
			row.Heard = &heardText{place(h.limit), h.at, h.ahead, h.remaining, h.reset}
		}
		text.Counters = append(text.Counters, row)
	}
	return json.Marshal(text)
}

// UnmarshalJSON compiles the limits. Where one of them or a counter makes no sense,
// nothing is read.
func (s *Saved) UnmarshalJSON(raw []byte) error {
	var text savedText
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	limits := make([]*Limit, 1, 1+len(text.Limits)) // the first is none
	for _, spec := range text.Limits {
		l, err := spec.compile()
		if err != nil {
			return fmt.Errorf("compile limit %q: %w", spec.Name, err)
		}
		limits = append(limits, l)
	}
	counters := make([]savedCounter, len(text.Counters))
	for i := range text.Counters {
		c, err := text.Counters[i].counter(limits)
		if err != nil {
			return fmt.Errorf("read counter %q: %w", text.Counters[i].Key, err)
		}
		counters[i] = savedCounter{text.Counters[i].Key, &c}
	}
	s.counters = counters
	return nil
}

func (l *Limit) text() specText {
	s := &l.Spec
	text := specText{
		Name: s.Name, Algorithm: s.Algorithm, Quota: s.Quota, Window: int64(s.Window / time.Second),
		Burst: s.Burst, Period: s.Period, Shadow: s.Shadow, Lease: s.Lease,
	}
	if s.Zone != nil {
		text.Zone = s.Zone.String()
	}
	return text
}

func (t *specText) compile() (*Limit, error) {
	s := Spec{
		Name: t.Name, Algorithm: t.Algorithm, Quota: t.Quota, Burst: t.Burst, Period: t.Period, Shadow: t.Shadow, Lease: t.Lease,
	}
	if t.Window < 0 || t.Window > int64(MaxWindow/time.Second) {
		return nil, fmt.Errorf("a window of %d seconds is out of range", t.Window)
	}
	s.Window = time.Duration(t.Window) * time.Second
	if t.Zone != "" {
		var err error
		if s.Zone, err = time.LoadLocation(t.Zone); err != nil {
			return nil, fmt.Errorf("find time zone: %w", err)
		}
	}
	return Compile(s)
}

// text is the state without the zeros at its end.
func (s *state) text() []int64 {
	list := append([]int64{s.stamp, s.basis}, s.count[:]...)
	for len(list) > 0 && list[len(list)-1] == 0 {
		list = list[:len(list)-1]
	}
	return list
}

func readState(list []int64) (s state, ok bool) {
	const size = 2 + len(s.count)
	if len(list) > size {
		return state{}, false
	}
	var all [size]int64
	copy(all[:], list)
	s.stamp, s.basis = all[0], all[1]
	copy(s.count[:], all[2:])
	return s, true
}

// counter is the row's, whose limits are among those.
func (t *counterText) counter(limits []*Limit) (c counter, err error) {
	state, ok := readState(t.State)
	c = counter{state: state, stale: t.Stale, alone: t.Alone, asked: t.Asked, nodes: t.Nodes, owed: t.Owed}
	if !ok || t.Nodes < 0 || t.Nodes > MaxNodes || t.Owed < 0 || t.Owed > MaxQuota || t.Key == "" {
		return counter{}, errOutOfRange
	}
	if t.Limit < 0 || t.Limit >= len(limits) {
		return counter{}, errNoLimit
	}
	c.limit = limits[t.Limit]
	if h := t.Heard; h != nil {
		if h.Limit < 1 || h.Limit >= len(limits) {
			return counter{}, errNoLimit
		}
		c.heard = heard{limits[h.Limit], h.At, h.Ahead, h.Remaining, h.Reset}
	}
	if c.limit == nil {
		c.limit = c.heard.limit
	}
	if c.limit == nil || c.stale && c.heard.limit == nil {
		return counter{}, errNoLimit
	}
	return c, nil
}

var (
	errOutOfRange = errors.New("a number is out of range")
	errNoLimit    = errors.New("its limit is not there")
)
