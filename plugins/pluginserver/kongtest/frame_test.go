package kongtest

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	for _, data := range []string{"", "kong.client.get_ip", strings.Repeat("x", 70_000)} {
		if err := WriteFrame(&buf, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFrame(&buf); err != nil || string(got) != data {
			t.Errorf("%d bytes came back as %d, error %v", len(data), len(got), err)
		}
	}
}

// To Kong a connection that ends is "closed", wherever that is, and none of its frames
// is too long.
func TestClosed(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "\x05", "\x05\x00\x00\x00", "\x05\x00\x00\x00abc", "\xff\xff\xff\xff"} {
		_, err := ReadFrame(strings.NewReader(data))
		if !errors.Is(inLuasWords(err), ErrClosed) {
			t.Errorf("%q: error %v, want %v", data, err, ErrClosed)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00ab\x00\x00\x00\x00"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		for {
			before := r.Len()
			frame, err := ReadFrame(r)
			if err != nil {
				return
			}
			if before-r.Len() != 4+len(frame) {
				t.Fatalf("frame of %d bytes took %d", len(frame), before-r.Len())
			}
			var buf bytes.Buffer
			if err := WriteFrame(&buf, frame); err != nil {
				t.Fatal(err)
			}
			again, err := ReadFrame(&buf)
			if err != nil || !bytes.Equal(again, frame) {
				t.Fatalf("%q came back as %q, error %v", frame, again, err)
			}
		}
	})
}
