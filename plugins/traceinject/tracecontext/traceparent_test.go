package tracecontext_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/tracecontext"
)

const (
	traceID = "12345678901234567890123456789012"
	spanID  = "1234567890123456"
)

// The cases named after the W3C's own test harness
// (https://github.com/w3c/trace-context/blob/main/test/test.py) expect what it
// expects: the same trace id, or a new one.
func TestParseTraceparent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     string // as written again; empty if err
		err      error
	}{
		{"sampled", "00-" + traceID + "-" + spanID + "-01", "00-" + traceID + "-" + spanID + "-01", nil},
		{"not sampled", "00-" + traceID + "-" + spanID + "-00", "00-" + traceID + "-" + spanID + "-00", nil},
		{"random flag stays", "00-" + traceID + "-" + spanID + "-02", "00-" + traceID + "-" + spanID + "-02", nil},
		{"unknown flags go", "00-" + traceID + "-" + spanID + "-ff", "00-" + traceID + "-" + spanID + "-03", nil},
		{"ows: spaces and tabs", "\t 00-" + traceID + "-" + spanID + "-01 \t", "00-" + traceID + "-" + spanID + "-01", nil},

		{"version 00 with a dot behind it", "00-" + traceID + "-" + spanID + "-01.", "", tracecontext.ErrTraceparentFormat},
		{"version 00 with more behind it", "00-" + traceID + "-" + spanID + "-01-what-the-future-will-be-like", "", tracecontext.ErrTraceparentFormat},
		{"version cc", "cc-" + traceID + "-" + spanID + "-01", "00-" + traceID + "-" + spanID + "-01", nil},
		{"version cc with more behind it", "cc-" + traceID + "-" + spanID + "-01-what-the-future-will-be-like", "00-" + traceID + "-" + spanID + "-01", nil},
		{"version cc with a dot behind it", "cc-" + traceID + "-" + spanID + "-01.what-the-future-will-be-like", "", tracecontext.ErrTraceparentFormat},
		{"version cc, unknown flags go", "cc-" + traceID + "-" + spanID + "-fd", "00-" + traceID + "-" + spanID + "-01", nil},
		{"version ff", "ff-" + traceID + "-" + spanID + "-01", "", tracecontext.ErrTraceparentVersion},
		{"version with illegal first character", ".0-" + traceID + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},
		{"version with illegal second character", "0.-" + traceID + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},
		{"version too long", "000-" + traceID + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},
		{"version too short", "0-" + traceID + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},
		{"version in uppercase", "CC-" + traceID + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},

		{"trace id all zero", "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01", "", tracecontext.ErrZeroTraceID},
		{"trace id with illegal character", "00-." + traceID[1:] + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},
		{"trace id in uppercase", "00-" + strings.Repeat("A", 32) + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},
		{"trace id too long", "00-" + traceID + "3-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},
		{"trace id too short", "00-" + traceID[1:] + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},

		{"parent id all zero", "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01", "", tracecontext.ErrZeroParentID},
		{"parent id with illegal character", "00-" + traceID + "-" + spanID[1:] + ".-01", "", tracecontext.ErrTraceparentFormat},
		{"parent id too long", "00-" + traceID + "-" + spanID + "7-01", "", tracecontext.ErrTraceparentFormat},
		{"parent id too short", "00-" + traceID + "-" + spanID[1:] + "-01", "", tracecontext.ErrTraceparentFormat},

		{"flags with illegal first character", "00-" + traceID + "-" + spanID + "-.0", "", tracecontext.ErrTraceparentFormat},
		{"flags with illegal second character", "00-" + traceID + "-" + spanID + "-0.", "", tracecontext.ErrTraceparentFormat},
		{"flags too long", "00-" + traceID + "-" + spanID + "-001", "", tracecontext.ErrTraceparentFormat},
		{"flags too short", "00-" + traceID + "-" + spanID + "-1", "", tracecontext.ErrTraceparentFormat},

		{"two lines, joined", "00-" + traceID + "-" + spanID + "-01, 00-" + traceID + "-" + spanID + "-01", "", tracecontext.ErrTraceparentRepeat},
		{"two lines of a future version, joined", "cc-" + traceID + "-" + spanID + "-01-x, 00-" + traceID + "-" + spanID + "-01", "", tracecontext.ErrTraceparentRepeat},
		{"empty", "", "", tracecontext.ErrTraceparentFormat},
		{"underscores for dashes", "00_" + traceID + "_" + spanID + "_01", "", tracecontext.ErrTraceparentFormat},
		{"not UTF-8", "00-\xff\xfe" + traceID[2:] + "-" + spanID + "-01", "", tracecontext.ErrTraceparentFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tracecontext.ParseTraceparent(tt.in)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				if !got.IsZero() {
					t.Errorf("got %v beside an error, want the zero value", got)
				}
				return
			}
			if got.String() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTraceparentParts(t *testing.T) {
	t.Parallel()
	got, err := tracecontext.ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if err != nil {
		t.Fatal(err)
	}
	want := tracecontext.Traceparent{
		TraceID: tracecontext.TraceID{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c},
		SpanID:  tracecontext.SpanID{0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31},
		Flags:   tracecontext.FlagSampled,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if id := got.TraceID.String() + got.SpanID.String(); id != "0af7651916cd43dd8448eb211c80319cb7ad6b7169203331" {
		t.Errorf("ids are written as %s", id)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	f := tracecontext.FlagRandom
	if f.Sampled() || !f.Random() {
		t.Errorf("%08b: sampled %v, random %v", f, f.Sampled(), f.Random())
	}
	if f = f.WithSampled(true); !f.Sampled() || !f.Random() {
		t.Errorf("sampling %08b lost a flag", f)
	}
	if f = f.WithSampled(false); f != tracecontext.FlagRandom {
		t.Errorf("unsampling left %08b", f)
	}
}

func FuzzParseTraceparent(f *testing.F) {
	for _, seed := range []string{
		"00-" + traceID + "-" + spanID + "-01", "cc-" + traceID + "-" + spanID + "-01-x",
		"ff-" + traceID + "-" + spanID + "-00", "00-" + traceID + "-" + spanID + "-01, 00", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := tracecontext.ParseTraceparent(value)
		if err != nil {
			return
		}
		again, err := tracecontext.ParseTraceparent(got.String())
		if err != nil || again != got {
			t.Fatalf("%q is read as %v, which is written as %q and read as %v, %v", value, got, got, again, err)
		}
		if trimmed := strings.Trim(value, " \t"); trimmed[2:53] != got.String()[2:53] {
			t.Fatalf("%q became %q", value, got)
		}
	})
}
