package scrub

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{MaxBytes: 100})
	long := strings.Repeat("x", 101)
	for _, tt := range []struct {
		name     string
		in, want string
		o        FilterOptions
	}{
		{name: "text", in: "a@b.io\nclean\n", want: "[email]\nclean\n"},
		{name: "no newline at the end", in: "clean\na@b.io", want: "clean\n[email]"},
		{name: "empty lines", in: "\n\n", want: "\n\n"},
		{name: "nothing", in: "", want: ""},
		{name: "too long", in: long + "\nclean\n" + long, want: "[dropped]\nclean\n[dropped]"},
		{name: "carriage return", in: "a@b.io\r\n", want: "[email]\r\n"},
		{
			name: "findings", in: "paid with card: 4111111111111111 by a@b.io\n\nclean",
			want: `{"findings":[{"kind":"card","start":16,"end":32},{"kind":"email","start":36,"end":42}]}` +
				"\n{\"findings\":[]}\n{\"findings\":[]}\n",
			o: FilterOptions{Findings: true},
		},
		{
			name: "findings of a line too long", in: long + "\n",
			want: `{"findings":[{"kind":"field","start":0,"end":101}]}` + "\n",
			o:    FilterOptions{Findings: true},
		},
		{
			name: "query", in: "password=x&n=1\n", want: "password=[field]&n=1\n",
			o: FilterOptions{Format: FormatQuery},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.Engine = e
			var out bytes.Buffer
			if err := Filter(iotest.OneByteReader(strings.NewReader(tt.in)), &out, tt.o); err != nil {
				t.Fatal(err)
			}
			if out.String() != tt.want {
				t.Errorf("wrote %q, want %q", out.String(), tt.want)
			}
		})
	}
}

// TestFilterFlushes checks that a line is written before the next one comes.
func TestFilterFlushes(t *testing.T) {
	t.Parallel()
	in, feed := io.Pipe()
	read, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Filter(in, out, FilterOptions{Engine: newEngine(t, Policy{})}) }()
	if _, err := io.WriteString(feed, "a@b.io\n"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("[email]\n"))
	if _, err := io.ReadFull(read, got); err != nil || string(got) != "[email]\n" {
		t.Fatalf("read %q, %v", got, err)
	}
	if err := errors.Join(feed.Close(), <-done); err != nil {
		t.Fatal(err)
	}
}

func TestFilterErrors(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	broken := errors.New("broken")
	if err := Filter(iotest.ErrReader(broken), io.Discard, FilterOptions{Engine: e}); !errors.Is(err, broken) {
		t.Errorf("read error: got %v", err)
	}
	_, w := io.Pipe()
	if err := w.CloseWithError(broken); err != nil {
		t.Fatal(err)
	}
	if err := Filter(strings.NewReader("x\n"), w, FilterOptions{Engine: e}); err == nil {
		t.Error("write error: got none")
	}
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for f := FormatText; f <= FormatRequest; f++ {
		if got, err := ParseFormat(f.String()); err != nil || got != f {
			t.Errorf("ParseFormat(%q) = %v, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("xml"); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Errorf("unknown format: %v", err)
	}
}
