package limiter

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
	_ "time/tzdata" // containers have no time zones of their own
)

// Algorithm says how a limit counts.
type Algorithm string

// The algorithms an operator can choose from.
const (
	// TokenBucket refills smoothly and holds at most the burst (GCRA).
	TokenBucket Algorithm = "token_bucket"
	// SlidingWindow never admits more than the quota in any span of one
	// window. It counts in tenths of a window and gives a whole tenth back at
	// a time, so units return up to a tenth of a window late, never early.
	SlidingWindow Algorithm = "sliding_window"
	// FixedWindow counts in windows aligned to the Unix epoch; up to twice the
	// quota can pass around a boundary.
	FixedWindow Algorithm = "fixed_window"
	// Calendar counts in days or months of a time zone.
	Calendar Algorithm = "calendar"
)

// Period is the length of a calendar quota.
type Period string

// The calendar periods.
const (
	Day   Period = "day"
	Month Period = "month"
)

// MaxQuota bounds quota and burst: a billion units.
const MaxQuota = 1_000_000_000

// MaxWindow is the longest window: 365 days.
const MaxWindow = 365 * 24 * time.Hour

// maxFill bounds what a full token bucket counts up to. Half of 2^52 leaves
// sums exact in a double, and room for a node's share to round down.
const maxFill = 1 << 51

// Spec describes a limit to [Compile].
type Spec struct {
	Name      string    `json:"name"`
	Algorithm Algorithm `json:"algorithm"`
	// Quota is the number of units in a window; for a token bucket, the number refilled.
	// Of 0, the limit admits nothing; see [Limit.Blocks].
	Quota int64 `json:"quota"`
	// Window is in whole seconds, up to [MaxWindow]; not for Calendar. JSON has
	// nanoseconds.
	Window time.Duration `json:"window,omitempty"`
	// Burst is a token bucket's capacity; zero means Quota.
	Burst int64 `json:"burst,omitempty"`
	// Period and Zone are for Calendar. Zone is a name of the IANA database; none is UTC.
	Period Period `json:"period,omitempty"`
	Zone   string `json:"zone,omitempty"`
	// Shadow limits count and report, and never deny.
	Shadow bool `json:"shadow,omitempty"`
	// Lease is the size of the blocks that a node takes at once; see [Leased].
	// Zero asks the store for each request.
	Lease int64 `json:"lease,omitempty"`
}

// Limit is a compiled [Spec], safe for concurrent use.
type Limit struct {
	Spec
	meter    meter
	calendar calendar // for Calendar
	wire     wire
	// keyPart is the limit's own part of its counters' keys.
	keyPart string
}

// Compile checks a spec and prepares its arithmetic. Its errors begin with the name
// that the field has in kong.yaml. Specs come from there, where Kong's schema has
// checked them, but also from overrides in Redis and from another process.
func Compile(s Spec) (*Limit, error) {
	if s.Quota < 0 || s.Quota > MaxQuota {
		return nil, fmt.Errorf("limit: %d is out of range; write the units admitted in a window (1 to %d), or 0 to admit none", s.Quota, int64(MaxQuota))
	}
	if s.Algorithm != Calendar && (s.Window < time.Second || s.Window > MaxWindow || s.Window%time.Second != 0) {
		return nil, fmt.Errorf("window_seconds: %v is out of range; write the seconds that the limit covers (1 to %d)", s.Window.Seconds(), int64(MaxWindow/time.Second))
	}
	if s.Lease < 0 || s.Lease > s.Quota && s.Quota > 0 {
		return nil, fmt.Errorf("lease: %d is out of range; write the units that a node takes at once (0 to the limit of %d)", s.Lease, s.Quota)
	}
	l := &Limit{Spec: s}
	if err := l.compile(); err != nil {
		return nil, err
	}
	l.wire, l.keyPart = wireArgs(l.Spec, l.meter), keyPart(l.Spec)
	return l, nil
}

func (l *Limit) compile() (err error) {
	window := l.Window.Microseconds()
	switch l.Algorithm {
	case TokenBucket:
		if l.Burst == 0 {
			l.Burst = l.Quota
		}
		if !l.Blocks() {
			l.meter, err = newBucket(l.Quota, window, l.Burst)
		}
	case SlidingWindow:
		l.meter = sliding{quota: l.Quota, slice: window / sliceCount}
	case FixedWindow:
		l.meter = fixed{quota: l.Quota, bounds: aligned(window)}
	case Calendar:
		l.calendar, err = newCalendar(l.Period, l.Zone)
		l.meter = fixed{quota: l.Quota, bounds: l.calendar.bounds}
	default:
		return fmt.Errorf("algorithm: %q is unknown; write token_bucket, sliding_window, fixed_window or calendar", l.Algorithm)
	}
	if l.Blocks() {
		l.meter = blocked{}
	}
	return err
}

// Blocks is true for a limit of 0, which has no room for anything, now or later. What is
// used of its counters stays as it is, for when the limit is raised.
func (l *Limit) Blocks() bool { return l.Quota == 0 }

// Capacity is the largest cost that can ever fit.
func (l *Limit) Capacity() int64 {
	if l.Algorithm == TokenBucket && !l.Blocks() {
		return l.Burst
	}
	return l.Quota
}

// Share is this limit cut to one of nodes equal parts, for a node that has to
// count alone. A part holds at least cost, or it would never admit anything,
// so the parts of a quota smaller than nodes×cost add up to more than it.
func (l *Limit) Share(nodes, cost int64) *Limit {
	s := l.Spec
	s.Lease = 0 // a node on its own has nobody to take blocks from
	s.Quota = max(s.Quota/nodes, 1)
	if s.Algorithm == TokenBucket {
		s.Burst = max(s.Burst/nodes, cost)
	} else {
		s.Quota = max(s.Quota, cost)
	}
	part, err := Compile(s)
	if err != nil {
		return l
	}
	return part
}

// newBucket finds whole numbers unit and drain with unit/drain = window/quota:
// each unit of cost fills the bucket by unit, each microsecond empties it by
// drain. Where the exact ratio is too large to count, the nearest one that
// refills no faster is used, which is off by less than one part in 2^20 for
// any bucket that refills within a century.
func newBucket(quota, window, burst int64) (meter, error) {
	if burst < 1 || burst > MaxQuota {
		return nil, fmt.Errorf("burst: %d is out of range; write the units that it holds at most (1 to %d)", burst, int64(MaxQuota))
	}
	g := gcd(quota, window)
	b := bucket{unit: window / g, drain: quota / g, burst: burst}
	for drain := int64(1 << 30); b.unit > maxFill/burst; drain >>= 1 {
		if drain == 0 {
			return nil, errors.New("burst: takes more than 70 years to refill; lower the burst or raise the limit")
		}
		b.unit, b.drain = ceilRatio(window, drain, quota), drain
	}
	return b, nil
}

// ceilRatio is ⌈a×b/c⌉ through 128 bits, or a value too large to count.
func ceilRatio(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	lo, carry := bits.Add64(lo, uint64(c)-1, 0)
	if hi += carry; hi >= uint64(c) {
		return maxFill + 1
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(min(q, maxFill+1))
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
