package tracecontext

import (
	"encoding/hex"
	"errors"
	"strings"
)

// Names of the two headers, lowercase as the specification asks senders to write them.
const (
	TraceparentHeader = "traceparent"
	TracestateHeader  = "tracestate"
)

// Reasons why a traceparent is unusable. The specification treats them all
// alike: the trace is restarted and tracestate is not even looked at.
var (
	ErrTraceparentFormat  = errors.New("traceparent is not version-traceid-parentid-flags in lowercase hex")
	ErrTraceparentVersion = errors.New("traceparent has the forbidden version ff")
	ErrTraceparentRepeat  = errors.New("traceparent was sent more than once")
	ErrZeroTraceID        = errors.New("traceparent has an all-zero trace-id")
	ErrZeroParentID       = errors.New("traceparent has an all-zero parent-id")
)

// TraceID identifies a whole trace. The zero value is invalid on the wire.
type TraceID [16]byte

// IsZero reports whether the id is the one that the specification forbids.
func (id TraceID) IsZero() bool { return id == TraceID{} }

// String is the id in 32 lowercase hex digits.
func (id TraceID) String() string { return hex.EncodeToString(id[:]) }

// SpanID identifies one operation; traceparent calls it parent-id. The zero
// value is invalid on the wire.
type SpanID [8]byte

// IsZero reports whether the id is the one that the specification forbids.
func (id SpanID) IsZero() bool { return id == SpanID{} }

// String is the id in 16 lowercase hex digits.
func (id SpanID) String() string { return hex.EncodeToString(id[:]) }

// Flags is the trace-flags bit field.
type Flags byte

// The flags that are defined. All other bits are dropped when read and zero
// when written: "Vendors MUST set those to zero".
const (
	// FlagSampled: the caller may have recorded trace data.
	FlagSampled Flags = 1 << 0
	// FlagRandom: at least the right-most 7 bytes of the trace id are random
	// (Level 2). It belongs to the trace id and never changes while that lives.
	FlagRandom Flags = 1 << 1

	knownFlags = FlagSampled | FlagRandom
)

// Sampled reports whether the caller may have recorded trace data.
func (f Flags) Sampled() bool { return f&FlagSampled != 0 }

// Random reports whether the trace id promises 7 random bytes on the right.
func (f Flags) Random() bool { return f&FlagRandom != 0 }

// WithSampled is f with the sampled flag set or cleared.
func (f Flags) WithSampled(sampled bool) Flags {
	if sampled {
		return f | FlagSampled
	}
	return f &^ FlagSampled
}

// Traceparent is the content of a traceparent header.
type Traceparent struct {
	TraceID TraceID
	// SpanID is the caller's span when read, one's own when written.
	SpanID SpanID
	Flags  Flags
}

// IsZero reports whether t holds nothing, as after a failed parse.
func (t Traceparent) IsZero() bool { return t == Traceparent{} }

// Offsets into the fixed part of the header, which all versions share:
// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.
const (
	traceIDStart  = 3
	traceIDEnd    = traceIDStart + 32
	parentIDStart = traceIDEnd + 1
	parentIDEnd   = parentIDStart + 16
	flagsStart    = parentIDEnd + 1
	fixedLen      = flagsStart + 2

	version0         = 0x00
	versionForbidden = 0xff
)

// ParseTraceparent reads a traceparent header value.
//
// Version 00 must be exactly 55 characters. A higher version is read by its
// first 55 characters, which may be followed by a dash and anything, as the
// specification's section on versioning demands. Spaces and tabs around the
// value are ignored (RFC 9110 section 5.5). A comma means that several lines
// were joined (RFC 9110 section 5.2): traceparent is not a list, so neither
// line can be believed.
//
// The error is one of the errors of this package; the result is then zero.
func ParseTraceparent(value string) (Traceparent, error) {
	value = strings.Trim(value, " \t")
	if strings.Contains(value, ",") {
		return Traceparent{}, ErrTraceparentRepeat
	}
	if !hasFixedPart(value) {
		return Traceparent{}, ErrTraceparentFormat
	}
	var version, flags [1]byte
	var t Traceparent
	if !decodeHex(version[:], value[:2]) ||
		!decodeHex(t.TraceID[:], value[traceIDStart:traceIDEnd]) ||
		!decodeHex(t.SpanID[:], value[parentIDStart:parentIDEnd]) ||
		!decodeHex(flags[:], value[flagsStart:fixedLen]) ||
		!tailAllowed(version[0], value[fixedLen:]) {
		return Traceparent{}, ErrTraceparentFormat
	}
	t.Flags = Flags(flags[0]) & knownFlags
	if err := checkValues(version[0], t); err != nil {
		return Traceparent{}, err
	}
	return t, nil
}

func hasFixedPart(value string) bool {
	return len(value) >= fixedLen &&
		value[traceIDStart-1] == '-' && value[traceIDEnd] == '-' && value[parentIDEnd] == '-'
}

func tailAllowed(version byte, tail string) bool {
	if version == version0 {
		return tail == ""
	}
	return tail == "" || tail[0] == '-'
}

func checkValues(version byte, t Traceparent) error {
	switch {
	case version == versionForbidden:
		return ErrTraceparentVersion
	case t.TraceID.IsZero():
		return ErrZeroTraceID
	case t.SpanID.IsZero():
		return ErrZeroParentID
	}
	return nil
}

// decodeHex is strict where encoding/hex is not: uppercase is refused.
func decodeHex(dst []byte, src string) bool {
	for i := range dst {
		hi, lo := hexDigit(src[2*i]), hexDigit(src[2*i+1])
		if hi > 0xf || lo > 0xf {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

// hexDigit is the value of a lowercase hex digit, or 0xff.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// String writes t as a version 00 header value, the highest version that this
// package knows, whatever version it was read from.
func (t Traceparent) String() string {
	b := make([]byte, 0, fixedLen)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, t.TraceID[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, t.SpanID[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, []byte{byte(t.Flags & knownFlags)})
	return string(b)
}
