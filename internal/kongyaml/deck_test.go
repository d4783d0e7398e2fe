package kongyaml_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kong/go-apiops/merge"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// TestMergesAsDeck: of files in which no two entities are one, Merge makes what `deck file
// merge` makes, and refuses what that refuses.
func TestMergesAsDeck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	merged, refused := 0, 0
	for seed := range uint64(200) {
		d := drawn{rand.New(rand.NewPCG(seed, 17)), 0}
		var files []kongyaml.File
		var paths []string
		for i := range 2 + d.IntN(3) {
			f := kongyaml.File{Name: filepath.Join(dir, fmt.Sprintf("%d.json", i)), Text: d.file(t)}
			if err := os.WriteFile(f.Name, f.Text, 0o600); err != nil {
				t.Fatal(err)
			}
			files, paths = append(files, f), append(paths, f.Name)
		}
		want, _, deckErr := merge.Files(paths)
		text, err := kongyaml.Merge(files[0], files[1:]...)
		if (err != nil) != (deckErr != nil) {
			t.Fatalf("seed %d: error %v, decK's %v of\n%s", seed, err, deckErr, texts(files))
		}
		if err != nil {
			refused++
			continue
		}
		merged++
		got, err := kongyaml.Decode(text)
		if err != nil {
			t.Fatalf("seed %d: %v in\n%s", seed, err, text)
		}
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Fatalf("seed %d (-decK +ours):\n%s\nof\n%s", seed, diff, texts(files))
		}
	}
	if merged < 50 || refused < 50 {
		t.Errorf("%d merged and %d refused tell little", merged, refused)
	}
}

func texts(files []kongyaml.File) (all string) {
	for _, f := range files {
		all += string(f.Text) + "\n"
	}
	return all
}

// drawn draws files. No entity has another's name.
type drawn struct {
	*rand.Rand
	named int
}

func (d *drawn) file(t *testing.T) []byte {
	t.Helper()
	doc := map[string]any{}
	d.maybe(doc, "_format_version", d.oneIn(6, d.pick("2.1", "3.0.0", "x", 3.0), d.pick("3.0", "3.1", "3")))
	d.maybe(doc, "_transform", d.oneIn(6, d.pick(false, "yes"), d.pick(true, nil)))
	d.maybe(doc, "_info", d.pick(map[string]any{"a": 1.0}, map[string]any{"b": "on"}, []any{"x"}, nil))
	for _, kind := range []string{"services", "consumers", "plugins", "upstreams", "certificates", "custom_things"} {
		d.maybe(doc, kind, d.pick(d.entities(1), d.entities(1), []any{}, []any{"a", 7.0}, nil, "2026-01-15"))
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (d *drawn) maybe(m map[string]any, key string, value any) {
	if d.IntN(3) > 0 {
		m[key] = value
	}
}

func (d *drawn) pick(of ...any) any { return of[d.IntN(len(of))] }

// oneIn is rare once in n times, and else common.
func (d *drawn) oneIn(n int, rare, common any) any {
	if d.IntN(n) == 0 {
		return rare
	}
	return common
}

func (d *drawn) entities(depth int) []any {
	list := []any{}
	for range d.IntN(3) {
		d.named++
		e := map[string]any{}
		for _, key := range []string{"name", "id", "username", "prefix", "target", "instance_name"} {
			d.maybe(e, key, fmt.Sprintf("%s-%d", key, d.named))
		}
		d.maybe(e, "retries", d.pick(1.0, 2.5, true, "no", nil))
		d.maybe(e, "tags", d.pick([]any{"yes", "2026-01-15"}, []any{}))
		if depth > 0 {
			d.maybe(e, "routes", d.entities(depth-1))
			d.maybe(e, "plugins", d.entities(depth-1))
			d.maybe(e, "config", map[string]any{"limits": d.entities(0), "url": "http://x"})
		}
		list = append(list, e)
	}
	return list
}
