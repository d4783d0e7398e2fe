package journal_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/journal"
)

func open(t *testing.T, path string) (*journal.Journal, map[int]string) {
	t.Helper()
	j, entries, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	left := map[int]string{}
	for _, e := range entries {
		left[e.Slot] = string(e.Text)
	}
	return j, left
}

// TestNextFindsWhatIsLeft does anything in any order, from process to process.
func TestNextFindsWhatIsLeft(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	random := rand.New(rand.NewPCG(1, 2))
	want := map[int]string{}
	for range 20 {
		j, left := open(t, path)
		if diff := cmp.Diff(want, left); diff != "" {
			t.Fatalf("texts (-want +got):\n%s", diff)
		}
		for range 200 {
			text := strings.Repeat(string(rune('a'+random.IntN(26))), 1+random.IntN(journal.MaxText))
			slot := j.Reserve()
			if _, used := want[slot]; used {
				t.Fatalf("slot %d is reserved twice", slot)
			}
			for other := range maps.Keys(want) {
				if random.IntN(4) == 0 {
					delete(want, other)
					check(t, j.Clear(other))
				} else if random.IntN(4) == 0 {
					want[other] = text
					check(t, j.Write(other, []byte(text)))
				}
			}
			want[slot] = text
			check(t, j.Write(slot, []byte(text)))
		}
		check(t, j.Close())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file %v, %v; want mode 0600", info, err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsLeftOfACleared: a text may tell who called what.
func TestNothingIsLeftOfACleared(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	slot := j.Reserve()
	check(t, j.Write(slot, []byte("ada@example.com")))
	check(t, j.Clear(slot))
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "ada") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestDamagedSlot: what is left of it is told, for somebody to count.
func TestDamagedSlot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	check(t, os.WriteFile(path, []byte("\xff\xff\xff\xffhello"), 0o600))
	if _, left := open(t, path); left[0] != "hello" {
		t.Errorf("left %v", left)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for range 100 {
				slot := j.Reserve()
				text := []byte{byte('a' + worker)}
				if err := errors.Join(j.Write(slot, text), j.Clear(slot)); err != nil {
					t.Error(err)
				}
			}
			if err := j.Write(j.Reserve(), []byte{byte('a' + worker)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	check(t, j.Close())
	if _, left := open(t, path); len(left) != 8 {
		t.Errorf("%d texts are left, want 8: %v", len(left), left)
	}
}

// TestOneProcessAtATime: a second one would take what is the first one's.
func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, _ := open(t, path)
	if _, _, err := journal.Open(path); !errors.Is(err, journal.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("Open of a journal that is in use = %v", err)
	}
	check(t, j.Close())
	again, _ := open(t, path)
	check(t, again.Close())
}

// FuzzOpen: whatever is in the file, it opens, and can be used.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("\x05\x00\x00\x00hello"))
	f.Add(append(make([]byte, 1024), 0xff, 0xff, 0xff, 0xff, 1))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "journal")
		check(t, os.WriteFile(path, content, 0o600))
		j, left := open(t, path)
		slot := j.Reserve()
		if _, used := left[slot]; used {
			t.Errorf("slot %d is reserved, and has %q", slot, left[slot])
		}
		check(t, j.Write(slot, []byte("x")))
		check(t, j.Close())
		_, after := open(t, path)
		left[slot] = "x"
		if diff := cmp.Diff(left, after); diff != "" {
			t.Errorf("texts (-want +got):\n%s", diff)
		}
	})
}
