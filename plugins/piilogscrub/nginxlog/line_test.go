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

// nginx ends a line of its error log after 2047 bytes, in the middle of what a client
// wrote. Of that nothing is left, wherever in a key the end is; what stands before it is.
func TestErrorLinesThatAreCut(t *testing.T) {
	t.Parallel()
	const key = "gatehouse_PlantedForTheTests00000000000000000000000001QjvcL"
	const mail = "john.doe@example.com"
	head := "2025/11/24 03:13:41 [error] 71#0: *5 "
	for _, secret := range []string{key, mail} {
		for shown := 1; shown <= len(secret); shown++ {
			for name, before := range map[string]string{
				"upstream": head + `refused, client: 203.0.113.7, server: kong, request: "GET / HTTP/1.1", upstream: "http://10.0.0.1:80/?`,
				"message":  head + `[lua] handler.lua:42: `,
			} {
				line := before + strings.Repeat("a", 2047-len(before)-1-shown) + "=" + secret[:shown]
				w := writer{engine: newEngine(t), zone: time.UTC}
				w.line([]byte("<187>Nov 24 03:13:41 nginx: "+line), now)
				if !bytes.Contains(w.out, []byte(`"`+name+`":"[dropped]"`)) || w.tally[scrub.Dropped] != 1 {
					t.Fatalf("%s, %d bytes of %s: %s", name, shown, secret, w.out)
				}
				if name == "upstream" && !bytes.Contains(w.out, []byte(`"request":"GET / HTTP/1.1"`)) {
					t.Fatalf("what is not cut is gone: %s", w.out)
				}
			}
		}
	}
}

// Before the error of a system call nginx cuts the text earlier, and fields follow it.
func TestErrorTextThatIsCut(t *testing.T) {
	t.Parallel()
	before := `2025/11/24 03:13:41 [error] 71#0: *5 open() "/html/`
	line := before + strings.Repeat("a", 2048-50-len(before)-20) + "john.doe@example.com" + "... (2: No such file or directory), client: 20"
	w := writer{engine: newEngine(t), zone: time.UTC}
	w.line([]byte("<187>Nov 24 03:13:41 nginx: "+line), now)
	if !bytes.Contains(w.out, []byte(`"message":"[dropped]"`)) || !bytes.Contains(w.out, []byte(`"client_ip":"[dropped]"`)) {
		t.Errorf("%s", w.out)
	}
	short := before + strings.Repeat("a", 1900) + `" failed (2: No such file or directory)`
	w = writer{engine: newEngine(t), zone: time.UTC}
	if w.line([]byte(short), now); bytes.Contains(w.out, []byte("[dropped]")) {
		t.Errorf("not cut: %s", w.out)
	}
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
