// Package golden compares what a test made with a file that holds what it should
// be. Only tests import it: it defines their flag -update, which writes the files.
package golden

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// Check compares got with the file at path. With -update it writes the file.
func Check[T ~string | ~[]byte](t testing.TB, path string, got T) {
	t.Helper()
	if err := check(path, string(got), *update); err != nil {
		t.Error(err)
	}
}

// CheckJSON is [Check] of value as indented JSON. The JSON of a value that encodes
// itself is compared as it is: encoding/json would escape its &, < and >.
func CheckJSON(t testing.TB, path string, value any) {
	t.Helper()
	text, err := encode(value)
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, bytes.TrimSpace(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	Check(t, path, indented.String()+"\n")
}

func encode(value any) ([]byte, error) {
	if v, ok := value.(json.Marshaler); ok {
		return v.MarshalJSON()
	}
	return json.Marshal(value)
}

func check(path, got string, update bool) error {
	if update {
		return os.WriteFile(path, []byte(got), 0o644)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read what should be: %w; write it with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		return fmt.Errorf("%s (-want +got), rewrite it with -update if it should change:\n%s", path, diff)
	}
	return nil
}
