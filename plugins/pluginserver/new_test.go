package pluginserver

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"
)

// handled makes a configuration of a test a plugin's.
type handled struct{}

func (handled) Access(*pdk.PDK) {}

// phaseless is a configuration of no plugin.
type phaseless struct{}

// plain is a plugin without a deadline, so that a slow machine fails no test.
func plain(name string, config func() any) Plugin {
	return Plugin{Name: name, Version: "1.2.3", Priority: 905, New: config, FailOpen: true}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := plain("good", func() any { return &handled{} })
	for name, tt := range map[string]struct {
		plugins []Plugin
		want    string
	}{
		"nothing":          {nil, "no plugins"},
		"the same twice":   {[]Plugin{good, good}, "good is there twice"},
		"no name":          {[]Plugin{{Version: "1.0.0", New: good.New}}, `name ""`},
		"no version":       {[]Plugin{{Name: "a", New: good.New}}, `version ""`},
		"four numbers":     {[]Plugin{{Name: "a", Version: "1.0.0.1", New: good.New}}, `version "1.0.0.1"`},
		"no New":           {[]Plugin{{Name: "a", Version: "1.0.0"}}, "no New"},
		"a struct":         {[]Plugin{plain("a", func() any { return handled{} })}, "pointer"},
		"nil":              {[]Plugin{plain("a", func() any { return (*handled)(nil) })}, "pointer"},
		"no phases":        {[]Plugin{plain("a", func() any { return &phaseless{} })}, "handles no phase"},
		"the second of us": {[]Plugin{good, plain("b", func() any { return &phaseless{} })}, "plugin b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Options{}, tt.plugins...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, want an error with %q", err, tt.want)
			}
		})
	}
	if _, err := New(Options{MaxFrame: -1}, good); err == nil {
		t.Error("New took a negative bound")
	}
}

func TestInfoOfOneOfSeveral(t *testing.T) {
	t.Parallel()
	srv, err := New(Options{},
		plain("a", func() any { return &handled{} }), plain("b", func() any { return &funcConfig{} }))
	if err != nil {
		t.Fatal(err)
	}
	got, err := srv.Info("b")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Info(plain("b", func() any { return &funcConfig{} }))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("Server.Info differs from Info (-want +got):\n%s", diff)
	}
	if _, err := srv.Info("c"); err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("Info of an unknown plugin: %v, want an error that lists them", err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, srv.Names()); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
}

// leavesOut has what no JSON makes: two fields that operators are told of, and two that
// are the plugin's own.
type leavesOut struct {
	Name    string     `json:"name"`
	Signals chan error `json:"signals"`
	Inner   struct {
		Call func() `json:"call"`
	} `json:"inner"`
	Kept   func() `json:"-"`
	Client func()
}

func (*leavesOut) Access(*pdk.PDK) {}

func TestFieldsThatAreLeftOut(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	if _, err := New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, plain("p", func() any { return &leavesOut{} })); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "plugin=p") || !strings.Contains(lines[0], "leavesOut.Signals: type chan error: use string") || !strings.Contains(lines[1], ".Call: type func()") {
		t.Errorf("the log has %d lines, want one for each of Signals and Inner.Call:\n%s", len(lines), &log)
	}
}
