package config

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

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
		Env:  func(name string) (string, bool) { return "s3cret", name == "SECRET" },
		Warn: func(err error) { t.Log(err) },
		Now:  func() time.Time { return time.Unix(1795490021, 0) },
	})
}

// What is refused is listed completely, one line each.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bad", "references"} {
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
			golden := "testdata/" + name + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), invalid.Error()+"\n"); diff != "" {
				t.Error(diff)
			}
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
		`_format_version: "2.1"`: "the dev gateway does not support it",
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
upstreams:
- {name: u, targets: [{target: a:81}, {target: b, weight: 50}]}
services:
- name: orders
  url: https://u/v1
  read_timeout: 500
  routes: [{name: r, paths: [/a], methods: [GET], plugins: [{name: probe, config: {limit: 2, secret: "{vault://env/secret}"}}]}]
  plugins: [{name: acl, config: {deny: [x]}, enabled: false}]
routes: [{name: top, paths: [/t], service: orders}]
consumers:
- {username: c, custom_id: "7", tags: [a], acls: [{group: g}, {group: h}], plugins: [{name: probe}], keyauth_credentials: [{key: k}]}
plugins: [{name: probe}, {name: probe, route: top, consumer: c}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s := cfg.Services[0]
	got := []any{s.ID, s.Protocol, s.Host, s.Port, s.Path, s.Retries, s.ConnectTimeout, s.ReadTimeout, s.Enabled, s.CreatedAt}
	// A version 5 UUID of the name, in Kong's namespace of services.
	want := []any{"580c8aca-d632-5804-b307-a24326e1e2d5", "https", "u", 443, "/v1", 5, 60000, 500, true, int64(1795490021)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("service: %s", diff)
	}
	for i, r := range cfg.Routes {
		if r.Service != s || !r.StripPath || r.HTTPSRedirectStatusCode != 426 || len(r.Protocols) != 2 {
			t.Errorf("route %d: %+v", i, r)
		}
	}
	targets := cfg.Upstreams["u"].Targets
	if len(targets) != 2 || targets[0].Port != 81 || targets[1].Host != "b" || targets[1].Port != 8000 || targets[1].Weight != 50 {
		t.Errorf("targets %+v, %+v", targets[0], targets[1])
	}
	c := cfg.APIKey("k").Consumer
	if c != cfg.Consumer("c", true) || c != cfg.Consumer(c.ID, false) || cfg.Consumer("c", false) != nil || len(c.Groups) != 2 {
		t.Errorf("consumer %+v", c)
	}
	type scoped struct {
		Name, Route, Service, Consumer string
		Config                         map[string]any
	}
	var plugins []scoped
	for _, p := range cfg.Plugins {
		plugins = append(plugins, scoped{p.Name, p.RouteID, p.ServiceID, p.ConsumerID, p.Config})
	}
	wantPlugins := []scoped{
		{"probe", "", "", "", map[string]any{"limit": 5.0}},
		{"probe", cfg.Routes[1].ID, "", c.ID, map[string]any{"limit": 5.0}},
		{"probe", cfg.Routes[0].ID, "", "", map[string]any{"limit": 2.0, "secret": "s3cret", "$refs": map[string]any{"secret": "{vault://env/secret}"}}},
		{"probe", "", "", c.ID, map[string]any{"limit": 5.0}},
	}
	if diff := cmp.Diff(wantPlugins, plugins); diff != "" {
		t.Errorf("plugins: %s", diff)
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
	for _, name := range []string{"bad", "references"} {
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
