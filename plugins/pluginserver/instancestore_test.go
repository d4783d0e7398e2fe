package pluginserver

import (
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// storing is a plugin that says which configuration an event had.
func storing(seen func(key string)) Plugin {
	return plain("test", func() any {
		c := &funcConfig{}
		c.access = func(*pdk.PDK) { seen(c.Key) }
		return c
	})
}

func TestAnotherProcessKnowsTheInstances(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last atomic.Value
	plugin := storing(func(key string) { last.Store(key) })

	first := serve(t, Options{InstanceDir: dir}, plugin)
	kept := first.mustStart(t, "test", []byte(`{"key":"kept","__seq__":1}`))
	closed := first.mustStart(t, "test", []byte(`{"key":"closed"}`))
	if err := first.CloseInstance(closed); err != nil {
		t.Fatal(err)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}

	second := serve(t, Options{InstanceDir: dir}, plugin)
	second.event(t, kept, kongtest.Request{})
	if last.Load() != "kept" {
		t.Errorf("the event ran with configuration %q, want that of before", last.Load())
	}
	if _, err := second.HandleEvent(closed, "access", kongtest.Request{}); !kongtest.ShouldRestart(err) {
		t.Errorf("event of an instance that was closed: %v, want one that Kong answers with a start", err)
	}
	if again := second.mustStart(t, "test", []byte(`{"__seq__":2,"key":"kept"}`)); again != kept {
		t.Errorf("the same configuration is instance %d, and was %d before", again, kept)
	}
	if got := second.metric(t, "instances_adopted_total", nil); got != 1 {
		t.Errorf("instances_adopted_total = %v, want 1", got)
	}
}

// How often an adopted instance was started, only the process of before knew:
// one worker's closing it must not take it from the others.
func TestAnAdoptedInstanceOutlivesItsClosing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := serve(t, Options{InstanceDir: dir}, storing(func(string) {}))
	id := first.mustStart(t, "test", []byte(`{"key":"shared"}`))
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	second := serve(t, Options{InstanceDir: dir}, storing(func(string) {}))
	second.event(t, id, kongtest.Request{})
	if err := second.CloseInstance(id); err != nil {
		t.Fatal(err)
	}
	second.event(t, id, kongtest.Request{})
}

func TestInstancesWithoutAStoreAreUnknownElsewhere(t *testing.T) {
	t.Parallel()
	first := serve(t, Options{}, storing(func(string) {}))
	id := first.mustStart(t, "test", []byte(`{"key":"x"}`))
	second := serve(t, Options{}, storing(func(string) {}))
	if _, err := second.HandleEvent(id, "access", kongtest.Request{}); !kongtest.ShouldRestart(err) {
		t.Errorf("event: %v, want one that Kong answers with a start", err)
	}
}

func TestAnIDOfAnotherContentIsNotTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wanted := keyOf("test", []byte(`{"key":"x"}`)).id()
	store, err := openInstanceStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.save(wanted, storedInstance{"test", []byte(`{"key":"other"}`)}); err != nil {
		t.Fatal(err)
	}
	var last atomic.Value
	srv := serve(t, Options{InstanceDir: dir}, storing(func(key string) { last.Store(key) }))
	if id := srv.mustStart(t, "test", []byte(`{"key":"x"}`)); id != nextID(wanted) {
		t.Errorf("instance %d, want %d: Kong has %d for another content", id, nextID(wanted), wanted)
	}
	srv.event(t, wanted, kongtest.Request{})
	if last.Load() != "other" {
		t.Errorf("the event ran with %q, want what Kong was given the id for", last.Load())
	}
}

func TestTheStoreIsPrivateAndRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "instances")
	srv := serve(t, Options{InstanceDir: dir}, storing(func(string) {}))
	id := srv.mustStart(t, "test", []byte(`{"key":"secret"}`))
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, strconv.Itoa(int(id))+".json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "77.json"), []byte(`{"plugin":"test","con`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.HandleEvent(77, "access", kongtest.Request{}); !kongtest.ShouldRestart(err) {
		t.Errorf("event of a damaged instance: %v, want one that Kong answers with a start", err)
	}
}

func TestSweepKeepsWhatIsKnownOrRecent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := &instanceStore{dir}
	now := time.Now()
	for name, age := range map[string]time.Duration{"1.json": time.Hour, "2.json": time.Hour, "3.json": 0, "4.json.99": time.Hour} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.sweep(now.Add(-time.Minute), func(id int32) bool { return id == 1 }); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 || filepath.Base(left[0]) != "1.json" || filepath.Base(left[1]) != "3.json" {
		t.Errorf("left %v, %v; want the known one and the recent one", left, err)
	}
}
