package pluginclient

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	w := bufio.NewWriter(&buf)
	for _, data := range []string{"", "kong.client.get_ip", strings.Repeat("x", 70_000)} {
		if err := writeFrame(w, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if got, err := readFrame(&buf); err != nil || string(got) != data {
			t.Errorf("%d bytes came back as %d, error %v", len(data), len(got), err)
		}
	}
}

// Where a connection ends tells nothing: to Kong all of it is "closed".
func TestClosed(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "\x05", "\x05\x00\x00\x00", "\x05\x00\x00\x00abc"} {
		_, err := readFrame(strings.NewReader(data))
		if !errors.Is(socketError(err), errClosed) {
			t.Errorf("%q: error %v, want %v", data, err, errClosed)
		}
	}
	if _, err := readFrame(strings.NewReader("\xff\xff\xff\xff")); err == nil || errors.Is(socketError(err), errClosed) {
		t.Errorf("a frame of 4 GiB: error %v", err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00ab\x00\x00\x00\x00"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		for {
			before := r.Len()
			frame, err := readFrame(r)
			if err != nil {
				return
			}
			if before-r.Len() != 4+len(frame) {
				t.Fatalf("frame of %d bytes took %d", len(frame), before-r.Len())
			}
			var buf bytes.Buffer
			w := bufio.NewWriter(&buf)
			if err := errors.Join(writeFrame(w, frame), w.Flush()); err != nil {
				t.Fatal(err)
			}
			again, err := readFrame(io.Reader(&buf))
			if err != nil || !bytes.Equal(again, frame) {
				t.Fatalf("%q came back as %q, error %v", frame, again, err)
			}
		}
	})
}
