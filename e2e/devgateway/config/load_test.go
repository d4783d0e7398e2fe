package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/golden"
)

const probeInfo = `{"Protocol": "ProtoBuf:1", "Plugins": [{"Name": "probe", "Phases": ["access", "log"], "Version": "0.1.0",
	"Priority": 905, "Schema": {"name": "probe", "fields": [{"config": {"type": "record", "fields": [
		{"limit": {"type": "integer", "default": 5, "between": [1, 10]}}, {"secret": {"type": "string", "referenceable": true}}
	]}}]}}]}`

func loader(t testing.TB) *Loader {
	t.Helper()
	return NewLoader(Options{
		PluginInfo: func(name string) ([]byte, error) {
			if name != "probe" {
				return nil, errors.New("exit status 2: unknown plugin")
			}
			return []byte(probeInfo), nil
		},
		Hosts: Hosts{"orders": "10.0.0.7"},
		Now:   func() time.Time { return time.Unix(1795490021, 0) },
	})
}

// What is refused is listed completely, one line each.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bad", "unsupported", "references"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("testdata/" + name + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			_, err = loader(t).Load(text)
			var invalid *Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("error %v, want *Invalid", err)
			}
			golden.Check(t, "testdata/"+name+".txt", invalid.Error()+"\n")
		})
	}
}

func TestNotADocument(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'h'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 10), ",") + "]\n"
	}
	for text, want := range map[string]string{
		"":                       "expected an object",
		"[]":                     "expected an object",
		"a: 1\na: 2":             "key given twice",
		"a: 1\n---\nb: 1":        "expected one YAML document",
		"a: [":                   "failed parsing declarative configuration: ",
		"? [a]\n: b":             "a key must be a string",
		"a: .inf":                "expected a finite number, got .inf",
		"_format_version: 3.0":   "_format_version: expected a string",
		"services: []":           "_format_version: required field missing",
		`_format_version: "2.1"`: `write _format_version: "3.0"`,
		bomb:                     "document has more than",
	} {
		_, err := loader(t).Load([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", text, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	cfg, err := loader(t).Load([]byte(`
_format_version: "3.0"
_transform: true
upstreams: [{name: u, targets: [{target: "orders:81", weight: 100}]}, {name: v, targets: [{target: "[::1]:82"}]}]
services:
- name: orders
  host: u
  path: /v1
  read_timeout: 500
  routes: [{name: r, paths: [/a], methods: [GET], plugins: [{name: probe, config: {limit: 2}}]}, {paths: [/b], protocols: [http, https]}]
  plugins: [{name: acl, config: {allow: [x]}, enabled: true}]
- {host: v}
consumers: [{username: c, custom_id: "7", tags: [a], acls: [{group: g}, {group: h}], keyauth_credentials: [{key: k, tags: [t]}, {key: l, id: 0b6f0c5e-5b0a-4d0e-8d0c-1f6f5a3b1a01}]}]
plugins: [{name: probe}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s := cfg.Routes[0].Service
	got := []any{s.ID, s.Protocol, s.Host, s.Port, s.Path, s.Retries, s.ConnectTimeout, s.ReadTimeout, s.Enabled, s.CreatedAt, *s.Upstream.Targets[0]}
	// A version 5 UUID of the name, in Kong's namespace of services.
	want := []any{"580c8aca-d632-5804-b307-a24326e1e2d5", "http", "u", 80, "/v1", 5, 60000, 500, true, int64(1795490021), Target{Host: "orders", Port: 81, IP: "10.0.0.7"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("service: %s", diff)
	}
	for i, r := range cfg.Routes {
		if r.Service != s || !r.StripPath || r.HTTPSRedirectStatusCode != 426 || len(r.Protocols) != 2 || r.ID == "" {
			t.Errorf("route %d: %+v", i, r)
		}
	}
	if c := cfg.APIKey("k").Consumer; c.Username != "c" || c.CustomID != "7" || len(c.Groups) != 2 || len(c.Tags) != 1 {
		t.Errorf("consumer %+v", c)
	}
	if given, made := cfg.APIKey("l").ID, cfg.APIKey("k").ID; given != "0b6f0c5e-5b0a-4d0e-8d0c-1f6f5a3b1a01" || made == "" {
		t.Errorf("ids of credentials: %q, want the one that is given, and %q, want one", given, made)
	}
	type scoped struct {
		Name, Route, Service string
		Config               map[string]any
	}
	var plugins []scoped
	for _, p := range cfg.Plugins {
		plugins = append(plugins, scoped{p.Name, p.RouteID, p.ServiceID, p.Config})
	}
	wantPlugins := []scoped{
		{"probe", cfg.Routes[0].ID, "", map[string]any{"limit": 2.0}},
		{"acl", "", s.ID, map[string]any{"allow": []any{"x"}, "hide_groups_header": false}},
		{"probe", "", "", map[string]any{"limit": 5.0}},
	}
	if diff := cmp.Diff(wantPlugins, plugins); diff != "" {
		t.Errorf("plugins: %s", diff)
	}
}

func TestReadHosts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte("# comment\n::1 both\n127.0.0.9 both Orders # here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hosts, err := ReadHosts(file)
	if diff := cmp.Diff(Hosts{"both": "127.0.0.9", "orders": "127.0.0.9"}, hosts); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
}

func TestPluginIsAskedOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	l := NewLoader(Options{Now: time.Now, PluginInfo: func(string) ([]byte, error) {
		asked++
		return []byte(probeInfo), nil
	}})
	for range 2 {
		if _, err := l.Load([]byte("_format_version: \"3.0\"\nplugins: [{name: probe}]")); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once as Kong does", asked)
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range []string{"bad", "unsupported", "references"} {
		text, err := os.ReadFile("testdata/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("_format_version: \"3.0\"\na: &a [*a]")
	l := loader(f)
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := l.Load([]byte(text))
		if (cfg == nil) == (err == nil) {
			t.Errorf("config %v, error %v", cfg, err)
		}
		if err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

func FuzzHostsLine(f *testing.F) {
	f.Add("127.0.0.1 orders # local")
	f.Fuzz(func(t *testing.T, line string) {
		hosts := Hosts{}
		if err := hosts.addLine(line); err != nil && len(hosts) > 0 {
			t.Errorf("%q: error %v, and hosts %v", line, err, hosts)
		}
	})
}
