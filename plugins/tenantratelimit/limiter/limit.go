package limiter

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
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
	Name      string
	Algorithm Algorithm
	// Quota is the number of units in a window; for a token bucket, the number refilled.
	Quota int64
	// Window is in whole seconds, up to [MaxWindow]; not for Calendar.
	Window time.Duration
	// Burst is a token bucket's capacity; zero means Quota.
	Burst int64
	// Period and Zone are for Calendar; a nil Zone is UTC.
	Period Period
	Zone   *time.Location
	// Shadow limits count and report, and never deny.
	Shadow bool
	// Lease is the size of the blocks that a node takes at once; see [Leased].
	// Zero asks the store for each request.
	Lease int64
}

// Limit is a compiled [Spec], safe for concurrent use.
type Limit struct {
	Spec
	meter meter
	wire  wire
	// keyPart is the limit's own part of its counters' keys.
	keyPart string
}

// Compile checks a spec and prepares its arithmetic.
func Compile(s Spec) (*Limit, error) {
	if s.Quota < 1 || s.Quota > MaxQuota {
		return nil, fmt.Errorf("quota %d is out of range; use 1 to %d", s.Quota, int64(MaxQuota))
	}
	if s.Algorithm != Calendar && (s.Window < time.Second || s.Window > MaxWindow || s.Window%time.Second != 0) {
		return nil, fmt.Errorf("window %v is out of range; use whole seconds from 1s to %v", s.Window, MaxWindow)
	}
	if s.Lease < 0 || s.Lease > s.Quota {
		return nil, fmt.Errorf("lease %d is out of range; use 0 for none, up to the quota of %d", s.Lease, s.Quota)
	}
	m, err := newMeter(&s)
	if err != nil {
		return nil, err
	}
	return &Limit{Spec: s, meter: m, wire: wireArgs(s, m), keyPart: keyPart(s)}, nil
}

// Capacity is the largest cost that can ever fit.
func (l *Limit) Capacity() int64 {
	if l.Algorithm == TokenBucket {
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

func newMeter(s *Spec) (meter, error) {
	window := s.Window.Microseconds()
	switch s.Algorithm {
	case TokenBucket:
		if s.Burst == 0 {
			s.Burst = s.Quota
		}
		return newBucket(s.Quota, window, s.Burst)
	case SlidingWindow:
		return sliding{quota: s.Quota, slice: window / sliceCount}, nil
	case FixedWindow:
		return fixed{quota: s.Quota, bounds: aligned(window)}, nil
	case Calendar:
		return newCalendar(s)
	}
	return nil, fmt.Errorf("algorithm %q is unknown; use token_bucket, sliding_window, fixed_window or calendar", s.Algorithm)
}

func newCalendar(s *Spec) (meter, error) {
	if s.Period != Day && s.Period != Month {
		return nil, fmt.Errorf("period %q is unknown; use day or month", s.Period)
	}
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	return fixed{quota: s.Quota, bounds: calendar{period: s.Period, zone: s.Zone}.bounds}, nil
}

// newBucket finds whole numbers unit and drain with unit/drain = window/quota:
// each unit of cost fills the bucket by unit, each microsecond empties it by
// drain. Where the exact ratio is too large to count, the nearest one that
// refills no faster is used, which is off by less than one part in 2^20 for
// any bucket that refills within a century.
func newBucket(quota, window, burst int64) (meter, error) {
	if burst < 1 || burst > MaxQuota {
		return nil, fmt.Errorf("burst %d is out of range; use 1 to %d", burst, int64(MaxQuota))
	}
	g := gcd(quota, window)
	b := bucket{unit: window / g, drain: quota / g, burst: burst}
	for drain := int64(1 << 30); b.unit > maxFill/burst; drain >>= 1 {
		if drain == 0 {
			return nil, errors.New("burst takes more than 70 years to refill; lower the burst or raise the quota")
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
