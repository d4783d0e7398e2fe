package kongyaml

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSurvey: each slip is told with its line and its path in the merged config, and the rest
// is read.
func TestSurvey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		base, overlay string
		slips         []string
		left          map[string]any
	}{
		"none":                   {"a: 1", "", nil, map[string]any{"a": 1.0}},
		"a key twice":            {"a: 1\na: 2\na: 3", "", []string{"base:2 a", "base:3 a"}, map[string]any{"a": 3.0}},
		"a key that is no text":  {"a: {b: 1}\n[c]: 2", "", []string{"base:2 "}, map[string]any{"a": map[string]any{"b": 1.0}}},
		"no finite number":       {"a:\n- .inf\n- .nan", "", []string{"base:2 a[0]", "base:3 a[1]"}, map[string]any{"a": []any{1.0, 1.0}}},
		"no number":              {"a: !!int x", "", []string{"base:1 a"}, map[string]any{"a": 1.0}},
		"of all others":          {"a: &x {b: .inf}\nc: *x\nd: {<<: *x}", "", []string{"base:1 a.b"}, map[string]any{"a": map[string]any{"b": 1.0}, "c": map[string]any{"b": 1.0}, "d": map[string]any{"b": 1.0}}},
		"the version":            {"_format_version: 3.0\na: 1", "", []string{"base:1 _format_version"}, map[string]any{"_format_version": "3.0", "a": 1.0}},
		"the transform":          {"a: 1\n_transform: maybe", "", []string{"base:2 _transform"}, map[string]any{"a": 1.0}},
		"in an overlay":          {"services: [{name: a}]", "services:\n- name: b\n  port: .inf", []string{"over:3 services[1].port"}, map[string]any{"services": []any{map[string]any{"name": "a"}, map[string]any{"name": "b", "port": 1.0}}}},
		"what an overlay covers": {"a:\n  b: .inf", "a: 1", []string{"base:2 a.b in its file"}, map[string]any{"a": 1.0}},
		"versions that differ":   {"_format_version: '3.0'", "a: 1\n_format_version: '2.1'", []string{"over:2  in its file"}, map[string]any{"_format_version": "3.0", "a": 1.0}},
		"transforms that differ": {"_transform: false", "a: 1\n_transform: true", []string{"over:2  in its file"}, map[string]any{"_transform": false, "a": 1.0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var overlays []File
			if tt.overlay != "" {
				overlays = []File{{"over", []byte(tt.overlay)}}
			}
			document, slips, err := Survey(File{"base", []byte(tt.base)}, overlays...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range slips {
				text := fmt.Sprintf("%s %s", s.Position, s.Path)
				if !s.Merged {
					text += " in its file"
				}
				got = append(got, text)
			}
			left, err := document.Value()
			if diff := cmp.Diff(tt.slips, got) + cmp.Diff(tt.left, left); diff != "" || err != nil {
				t.Errorf("error %v, (-want +got):\n%s", err, diff)
			}
			if _, err := Layer(File{"base", []byte(tt.base)}, overlays...); (err != nil) != (len(slips) > 0) {
				t.Errorf("%d slips, and Layer says %v", len(slips), err)
			}
		})
	}
}

// FuzzSurvey: what Layer takes has no slip, and what it does not take has one or cannot be read.
func FuzzSurvey(f *testing.F) {
	f.Add("a: 1\na: .inf", "_format_version: 3.0")
	f.Add("a: &x {b: *x}", "? [1]\n: 2")
	f.Fuzz(func(t *testing.T, base, overlay string) {
		files := []File{{"base", []byte(base)}, {"over", []byte(overlay)}}
		_, err := Layer(files[0], files[1])
		document, slips, unread := Survey(files[0], files[1])
		if (err == nil) != (unread == nil && len(slips) == 0) {
			t.Fatalf("%q with %q: Layer says %v; %d slips, error %v", base, overlay, err, len(slips), unread)
		}
		if unread == nil {
			if _, err := document.Value(); err != nil {
				t.Errorf("%q with %q is left unread: %v", base, overlay, err)
			}
		}
	})
}
