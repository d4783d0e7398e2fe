package releasefiles_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/release"
	"github.com/gatehousehq/gatehouse/plugins/release/releasefiles"
)

func open(t *testing.T) releasefiles.Folder {
	t.Helper()
	f, err := releasefiles.Open(filepath.Join(t.TempDir(), "releases"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestUnfinished(t *testing.T) {
	t.Parallel()
	f := open(t)
	if u, err := f.Unfinished(); u != nil || err != nil {
		t.Fatalf("%+v, error %v", u, err)
	}
	want := releasefiles.Unfinished{
		Release: releasefiles.Release{ID: "r1", Who: "alice", Began: time.Now().UTC().Truncate(time.Second), Before: "b", BeforeToo: []string{"c"}, After: "a"},
		State:   release.New([]string{"http://a", "http://b"}, 1).TakeBack("worse"),
	}
	if err := f.Save(want); err != nil {
		t.Fatal(err)
	}
	got, err := f.Unfinished()
	if err != nil || !cmp.Equal(*got, want) {
		t.Errorf("error %v, %s", err, cmp.Diff(want, *got))
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if u, err := f.Unfinished(); u != nil || err != nil {
		t.Errorf("%+v, error %v", u, err)
	}
}

func TestConfigs(t *testing.T) {
	t.Parallel()
	f := open(t)
	const last = 25
	for i := range last {
		if err := f.Keep(fmt.Sprintf("%032x", i), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := f.Config(fmt.Sprintf("%032x", last-1)); err != nil || len(text) != 1 || text[0] != last-1 {
		t.Errorf("%v, error %v", text, err)
	}
	entries, err := os.ReadDir(filepath.Join(string(f), "configs"))
	if err != nil || len(entries) != 20 {
		t.Errorf("%d are kept, error %v", len(entries), err)
	}
	if text, err := f.Config("../releases"); text != nil || err != nil {
		t.Errorf("%q, error %v", text, err)
	}
	if err := f.Keep("../x", nil); err == nil {
		t.Error("no error of a name that is no hash")
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, r := range []releasefiles.Record{{Event: "begin"}, {Event: "end", Outcome: release.Applied, Release: releasefiles.Release{ID: "r1"}}} {
		if err := f.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(string(f), "releases.jsonl")
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 2 {
		t.Fatalf("%s, error %v", text, err)
	}
	if err := os.WriteFile(path, append(text, `{"event":"end","rele`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := f.Ended(); err != nil || len(list) != 1 || list[0].ID != "r1" || list[0].Outcome != release.Applied {
		t.Errorf("%+v, error %v", list, err)
	}
}

func TestOpenToEverybody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := releasefiles.Open(dir); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("error %v", err)
	}
}
