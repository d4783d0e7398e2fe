package golden

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "page.txt")
	if err := check(path, "one\n", false); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want the file that is missing", err)
	}
	if err := check(path, "one\n", true); err != nil {
		t.Fatal(err)
	}
	if err := check(path, "one\n", false); err != nil {
		t.Errorf("error %v for what was written", err)
	}
	err := check(path, "two\n", false)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "two") {
		t.Errorf("error %v, want the file and the difference", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "one\n" {
		t.Errorf("the file holds %q, error %v: a comparison wrote it", text, err)
	}
}

func TestFailsTheTest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "page.json")
	if err := os.WriteFile(path, []byte("{\n  \"a\": \"x&y\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		value any
		want  int
	}{
		"encodes itself":     {json.RawMessage("{\"a\":\"x&y\"}\n"), 0},
		"another text":       {json.RawMessage(`{"a":"y&x"}`), 1},
		"encoded by default": {map[string]string{"a": "x&y"}, 1}, // x\u0026y
	} {
		r := &recorder{TB: t}
		CheckJSON(r, path, tc.value)
		if r.errors != tc.want {
			t.Errorf("%s: %d errors, want %d", name, r.errors, tc.want)
		}
	}
}

// recorder counts errors in place of failing.
type recorder struct {
	testing.TB
	errors int
}

func (r *recorder) Error(...any) { r.errors++ }
