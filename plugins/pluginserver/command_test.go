package pluginserver

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRunCommand(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want []string // plugins
	}{
		"one":                                    {[]string{"-info", "second"}, []string{"second"}},
		"all":                                    {[]string{"-dump"}, []string{"first", "second"}},
		"none":                                   {[]string{"-info", "third"}, nil},
		"deadline of a plugin that is not there": {[]string{"-dump", "-deadline", "third=1s"}, nil},
		"deadline that is none":                  {[]string{"-dump", "-deadline", "first=soon"}, nil},
		"deadlines":                              {[]string{"-dump", "-deadline", "200ms,first=-1s"}, []string{"first", "second"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := stockCommand(t, "run", tt.args...).Output()
			var got struct{ Plugins []struct{ Name string } }
			var names []string
			if json.Unmarshal(out, &got) == nil {
				for _, p := range got.Plugins {
					names = append(names, p.Name)
				}
			}
			if diff := cmp.Diff(tt.want, names); diff != "" || (err == nil) != (tt.want != nil) {
				t.Errorf("%v, plugins (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestParseDeadlines(t *testing.T) {
	t.Parallel()
	plugins := []Plugin{{Name: "a"}, {Name: "b"}}
	for list, want := range map[string]map[string]time.Duration{
		"":              {},
		"1s":            {"a": time.Second, "b": time.Second},
		"a=1s":          {"a": time.Second},
		"a=-1s,200ms":   {"a": -time.Second, "b": 200 * time.Millisecond},
		"a=1s,b=2s,c=0": {"a": time.Second, "b": 2 * time.Second, "c": 0},
	} {
		if got, err := parseDeadlines(list, plugins); err != nil || !maps.Equal(got, want) {
			t.Errorf("parseDeadlines(%q) = %v, %v; want %v", list, got, err, want)
		}
	}
	for _, bad := range []string{"x", "a=", "a=1", "1s,", "=1s=2s"} {
		if got, err := parseDeadlines(bad, plugins); err == nil {
			t.Errorf("parseDeadlines(%q) = %v, want an error", bad, got)
		}
	}
}
