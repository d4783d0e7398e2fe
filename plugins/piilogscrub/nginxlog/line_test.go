package nginxlog

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

var now = time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC)

func newEngine(t testing.TB) *scrub.Engine {
	t.Helper()
	e, err := scrub.New(scrub.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestLines compares what datagrams, one a line, become to a golden file.
func TestLines(t *testing.T) {
	t.Parallel()
	in, err := os.ReadFile(filepath.Join("testdata", "datagrams.txt"))
	if err != nil {
		t.Fatal(err)
	}
	w := writer{engine: newEngine(t), zone: time.UTC}
	for line := range bytes.Lines(in) {
		w.line(bytes.TrimSuffix(line, []byte("\n")), now)
	}
	golden.Check(t, filepath.Join("testdata", "lines.jsonl"), w.out)
}

// FuzzLine checks that any datagram becomes one line of JSON, in which a secret
// between blanks does not survive.
func FuzzLine(f *testing.F) {
	in, err := os.ReadFile(filepath.Join("testdata", "datagrams.txt"))
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(in) {
		f.Add(line, uint16(0))
		f.Add(line, uint16(len(line)/2))
	}
	const secret = "john.doe@example.com"
	e := newEngine(f)
	f.Fuzz(func(t *testing.T, datagram []byte, at uint16) {
		i := min(int(at), len(datagram))
		planted := bytes.Join([][]byte{datagram[:i], datagram[i:]}, []byte(" "+secret+" "))
		w := writer{engine: e, zone: time.UTC}
		w.line(planted, now)
		var object map[string]any
		if err := json.Unmarshal(w.out, &object); err != nil {
			t.Fatalf("%q became %q: %v", planted, w.out, err)
		}
		if !bytes.Contains(datagram, []byte(secret)) && strings.Contains(string(w.out), secret) {
			t.Fatalf("%s survived in %q", secret, w.out)
		}
	})
}
