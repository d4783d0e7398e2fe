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
		"an empty list adds none":   {[]string{"services: []"}, base},
		"a plugin of one name":      {[]string{"plugins: [{name: p, instance_name: i}]", "plugins: [{instance_name: i, config: {a: 1}}]"}, base + "  - {name: p, instance_name: i, config: {a: 1}}\n"},
		"by its id":                 {[]string{"services: [{name: c, id: 1-a}]", "services: [{id: 1-a, name: d}]"}, strings.Replace(base, "plugins:\n  -", "  - {name: d, id: 1-a}\nplugins:\n  -", 1)},
		"no name is no name":        {[]string{"services: [{name: null}]", "services: [{name: null}]"}, strings.Replace(base, "plugins:\n  -", "  - {name: null}\n  - {name: null}\nplugins:\n  -", 1)},
		"a higher minor version":    {[]string{"_format_version: '3.1'"}, strings.Replace(base, "3.0", "3.1", 1)},
		"an older minor version":    {[]string{"_format_version: '3.1'", "_format_version: '3.0'"}, strings.Replace(base, "3.0", "3.1", 1)},
		"another by its case":       {[]string{"services: [{name: A, retries: 1}]"}, strings.Replace(base, "plugins:\n  -", "  - {name: A, retries: 1}\nplugins:\n  -", 1)},
		"another by its id's case":  {[]string{"services: [{id: 1-a}]", "services: [{id: 1-A}]"}, strings.Replace(base, "plugins:\n  -", "  - {id: 1-a}\n  - {id: 1-A}\nplugins:\n  -", 1)},
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

// TestMergeNested: what is in entities is put together by what it is.
func TestMergeNested(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ base, overlay, want string }{
		"a route of a service":   {"services: [{name: a, routes: [{name: r, paths: [/a]}]}]", "services: [{name: a, routes: [{name: r, paths: [/b]}, {name: q}]}]", "services: [{name: a, routes: [{name: r, paths: [/b]}, {name: q}]}]"},
		"credentials are added":  {"consumers: [{username: a, keyauth_credentials: [{key: x}]}]", "consumers: [{username: a, keyauth_credentials: [{key: x}, {key: y}]}]", "consumers: [{username: a, keyauth_credentials: [{key: x}, {key: x}, {key: y}]}]"},
		"targets":                {"upstreams: [{name: a, targets: [{target: x, weight: 1}]}]", "upstreams: [{name: a, targets: [{target: x, weight: 2}, {target: y}]}]", "upstreams: [{name: a, targets: [{target: x, weight: 2}, {target: y}]}]"},
		"a config's fields":      {"plugins: [{instance_name: i, config: {a: {b: 1}, c: [1]}}]", "plugins: [{instance_name: i, config: {a: {d: 2}, c: [2]}}]", "plugins: [{instance_name: i, config: {a: {b: 1, d: 2}, c: [2]}}]"},
		"a config's lists":       {"plugins: [{instance_name: i, config: {routes: [{name: a, b: 1}]}}]", "plugins: [{instance_name: i, config: {routes: [{name: a}]}}]", "plugins: [{instance_name: i, config: {routes: [{name: a}]}}]"},
		"a mapping of the whole": {"_info: {a: 1}", "_info: {b: 2}", "_info: {b: 2}"},
		"anchors of one name":    {"a: &x 1\nb: *x\nc: []", "c: [&x 2, *x]", "a: 1\nb: 1\nc: [2, 2]"},
		"what an alias stands for": {"services: [{name: a, tags: &x [t]}, {name: b, tags: *x, config: {<<: [{p: 1}, {p: 2, q: 3}], q: 4}}]", "services: [{name: a, tags: [u]}]",
			"services: [{name: a, tags: [u]}, {name: b, tags: [t], config: {q: 4, p: 1}}]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Merge(File{"base", []byte(tc.base)}, File{"over", []byte(tc.overlay)})
			if err != nil || string(got) != tc.want+"\n" {
				t.Errorf("merged:\n%swant:\n%s\nerror %v", got, tc.want, err)
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
		"an id and a name":  {"services: [{name: a, id: 1}, {name: b, id: 2}]", "\nservices:\n- {name: a, id: 2}", "over: line 3: services: by its id it is one entity, by its name another"},
		"another format":    {"_format_version: '3.0'", "\n_format_version: '2.1'", "over: line 2: _format_version: 2.1 does not go with 3.0 in base"},
		"a number":          {"_format_version: 3.0", "a: 1", `base: line 1: _format_version: write a text such as "3.0"`},
		"no version":        {"_format_version: '3.0'", "_format_version: three", `over: line 1: _format_version: write a text`},
		"not transformed":   {"a: 1", "\n\n_transform: false", "over: line 3: _transform is false here and true in base (where none is written it is true)"},
		"no transform here": {"_transform: no", "\na: 1", "over: line 2: _transform is true here and false in base"},
		"transform":         {"_transform: perhaps", "a: 1", "base: line 1: _transform: write true or false"},
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
