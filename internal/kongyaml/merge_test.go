package kongyaml

import (
	"fmt"
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	const base = `# routes
_format_version: "3.0"
services:
  - name: a
    host: a.upstream
    plugins: [{name: jwt}]
    tags: [x]
  - name: b
    host: b.upstream
plugins:
  - name: p
`
	for name, tc := range map[string]struct {
		overlays []string
		want     string
	}{
		"nothing":                   {nil, base},
		"a field of one entity":     {[]string{"services: [{name: b, retries: 2}]"}, strings.Replace(base, "host: b.upstream", "host: b.upstream\n    retries: 2", 1)},
		"the later wins":            {[]string{"services: [{name: b, host: c}]", "services: [{name: b, host: d}]"}, strings.Replace(base, "b.upstream", "d", 1)},
		"an entity":                 {[]string{"services: [{name: c, host: c.upstream}]"}, strings.Replace(base, "plugins:\n  -", "  - {name: c, host: c.upstream}\nplugins:\n  -", 1)},
		"a kind":                    {[]string{"ca_certificates: [{id: i, cert: c}]"}, base + "ca_certificates: [{id: i, cert: c}]\n"},
		"values take others' place": {[]string{"services: [{name: a, tags: [y]}]"}, strings.Replace(base, "[x]", "[y]", 1)},
		"plugins are added":         {[]string{"plugins: [{name: p}]"}, base + "  - {name: p}\n"},
		"nested entities":           {[]string{"services: [{name: a, plugins: [{name: acl}]}]"}, strings.Replace(base, "[{name: jwt}]", "[{name: jwt}, {name: acl}]", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var overlays []File
			for i, o := range tc.overlays {
				overlays = append(overlays, File{fmt.Sprintf("over%d", i+1), []byte(o)})
			}
			got, err := Merge(File{"base", []byte(base)}, overlays...)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("merged:\n%s\nwant:\n%s", got, tc.want)
			}
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ base, overlay, says string }{
		"no base":           {"", "a: 1", "parse base: expected an object"},
		"a list":            {"a: 1", "[]", "over: line 1: expected an object"},
		"broken":            {"a: 1", "a: [", "parse over: "},
		"key given twice":   {"a: 1\na: 2", "b: 1", "key given twice"},
		"more than one doc": {"a: 1\n---\nb: 1", "b: 1", "one YAML document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Merge(File{"base", []byte(tc.base)}, File{"over", []byte(tc.overlay)}); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want %q", err, tc.says)
			}
		})
	}
}

// FuzzMerge: whatever the texts are, what comes out can be read, and merging it once
// more changes nothing that a key tells apart.
func FuzzMerge(f *testing.F) {
	f.Add("services: [{name: a}]", "services: [{name: a, host: b}]")
	f.Add("a: &x {b: *x}", "a: {b: {c: 1}}")
	f.Add("? [1]\n: 2", "<<: {a: 1}")
	f.Fuzz(func(t *testing.T, base, overlay string) {
		merged, err := Merge(File{"base", []byte(base)}, File{"over", []byte(overlay)})
		if err != nil {
			return
		}
		if _, err := (File{"merged", merged}).Parse(); err != nil {
			t.Errorf("%q with %q gives %q, which cannot be read: %v", base, overlay, merged, err)
		}
	})
}
