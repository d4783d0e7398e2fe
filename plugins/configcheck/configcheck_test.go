package configcheck_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// config is a plugin's that is easily wrong.
type config struct {
	Date   string   `json:"date" kong:"shape=date" desc:"A date, or something else."`
	Names  []string `json:"names" kong:"shape=printable,each_len_max=9" desc:"Names to look for."`
	Secret string   `json:"secret" kong:"referenceable,encrypted,len_min=32" desc:"A key that nobody may see."`
	Count  int      `json:"count" kong:"between=1|3153600" desc:"A number that begins with one."`
	Mode   string   `json:"mode" kong:"one_of=fast|slow" desc:"One of two, which decides of names."`
	closed *int
}

func (*config) Access(*pdk.PDK) {}

func (c *config) Provision() error {
	switch c.Date {
	case "2027-02-31":
		return errors.Join(errors.New(`date: "2027-02-31" is no date`), errors.New("and so on"))
	case "2027-01-01":
		panic("a new year")
	}
	if c.Mode == "fast" && slices.Contains(c.Names, "low") {
		return errors.New(`names[0]: "low" is not for fast`)
	}
	return nil
}

func (c *config) Warnings() []error {
	if c.Date == "" {
		return []error{errors.New("date: absent")}
	}
	return nil
}

func (c *config) Close() error { *c.closed++; return nil }

// How bad what was found is: what Kong refuses, other errors, and all else.
const refused, mistake, warning = "refused", "error", "warning"

func grade(r configcheck.Report) string {
	switch {
	case r.Refused():
		return refused
	case r.Worst() == configcheck.Error:
		return mistake
	default:
		return warning
	}
}

// options are those of a check here and, unless they say when, now.
func options(o configcheck.Options) configcheck.Options {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	return o
}

func check(c *configcheck.Checker, text string) configcheck.Report {
	return c.CheckFiles(kongyaml.File{Name: "kong.yaml", Text: []byte(text)})
}

// only is a report of some rules.
func only(r configcheck.Report, rules ...string) configcheck.Report {
	r.Findings = slices.DeleteFunc(r.Findings, func(f configcheck.Finding) bool { return !slices.Contains(rules, f.Rule) })
	return r
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const degraded = "; until it is right, the plugin starts degraded"
	tests := []struct {
		name, config string
		worst        string
		want         []string
		good         int
	}{
		{"good", `plugins: [{name: p, config: {date: 2027-06-30}}]`, warning, nil, 1},
		{"a warning", `plugins: [{name: p}]`, warning, []string{"plugins[0].config.date: absent"}, 1},
		{"nothing", `{}`, warning, nil, 0},
		{"other people's", `plugins: [{name: other, config: {date: soon}}, nonsense, {config: 1}]`, warning, nil, 0},
		{"refused", `plugins: [{name: p, config: {date: soon}}]`, refused, []string{`plugins[0].config.date: "soon": write a date as 2027-06-30 or 2027-06-30T12:00:00Z (RFC 3339), from 1970 on`}, 0},
		{"everything that is wrong", `plugins: [{name: p, config: {date: 7, names: [a, é, "0123456789"], nmaes: []}}]`, refused, []string{
			"plugins[0].config.date: 7: expected a string", `plugins[0].config.names[1]: "é": write printable ASCII characters`,
			`plugins[0].config.names[2]: "0123456789": length must be at most 9`, "plugins[0].config.nmaes: no such field; names?",
		}, 0},
		{"what is refused, and what only code can know", `plugins: [{name: p, config: {date: 2027-02-31, count: 0}}]`, refused, []string{
			"plugins[0].config.count: 0: value should be between 1 and 3153600", `plugins[0].config.date: "2027-02-31" is no date` + degraded, "plugins[0].config: and so on" + degraded,
		}, 0},
		{"a choice that is none, and what goes with it", `plugins: [{name: p, config: {date: 2027-06-30, mode: fat, names: [low]}}]`, refused, []string{
			`plugins[0].config.mode: "fat": expected one of: fast, slow; fast?`, `plugins[0].config.names[0]: "low" is not for fast` + degraded,
		}, 0},
		{"refused, and a panic", `plugins: [{name: p, config: {date: 2027-01-01, count: -1}}]`, refused, []string{"plugins[0].config.count: -1: value should be between 1 and 3153600"}, 0},
		{"no record", `plugins: [{name: p, config: date}]`, refused, []string{"plugins[0].config: expected a record"}, 0},
		{"a secret is not shown", `plugins: [{name: p, config: {date: 2027-06-30, secret: hunter2}}]`, refused, []string{"plugins[0].config.secret: length must be at least 32"}, 0},
		{"empty", `plugins: [{name: p, config: {date: ""}}]`, refused, []string{`plugins[0].config.date: "": length must be at least 1; write it, or take the field out`}, 0},
		{"a secret in a vault", `plugins: [{name: p, config: {date: 2027-06-30, secret: "{vault://env/secret}"}}]`, warning, nil, 1},
		{"what only code can know, a line each", `plugins: [{name: p, config: {date: 2027-02-31}}]`, mistake, []string{
			`plugins[0].config.date: "2027-02-31" is no date` + degraded, "plugins[0].config: and so on" + degraded,
		}, 0},
		{"not enabled", `plugins: [{name: p, enabled: false, config: {date: 2027-02-31}}]`, warning, nil, 1},
		{"not enabled, and refused", `plugins: [{name: p, enabled: false, config: {date: soon}}]`, refused, []string{`plugins[0].config.date: "soon"`}, 0},
		{"nested", `{services: [{routes: [{plugins: [{name: p}]}]}], consumers: [{}, {plugins: [{name: p}]}], consumer_groups: [{plugins: [{name: p}]}]}`, warning, []string{
			"consumer_groups[0].plugins[0].config.date: absent", "consumers[1].plugins[0].config.date: absent", "services[0].routes[0].plugins[0].config.date: absent",
		}, 3},
		{"a panic", `plugins: [{name: p, config: {date: 2027-01-01}}]`, mistake, []string{"plugins[0].config: panic: a new year" + degraded}, 0},
		{"JSON", `{"plugins": [{"name": "p", "config": {"date": "2027-06-30"}}]}`, warning, nil, 1},
		{"no YAML", `plugins: [`, refused, []string{"the [ in this line is not closed; write ] where its list ends"}, 0},
		{"a log plugin", `plugins: [{name: file-log}]`, mistake, []string{"plugins[0]: GATEHOUSE_LOG_PLUGINS=off says that there is no such plugin"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			made, closed := 0, 0
			checker, err := configcheck.New(options(configcheck.Options{NoLogPlugins: true}), pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { made++; return &config{closed: &closed} }})
			if err != nil {
				t.Fatal(err)
			}
			made = 0 // one was looked at
			report := only(check(checker, tt.config), "unreadable", "plugin-config", "plugin-degraded", "plugin-warning", "plugin-log-unscrubbed")
			if grade(report) != tt.worst || report.Good["p"] != tt.good {
				t.Errorf("severity %s and %d good, want %s and %d", grade(report), report.Good["p"], tt.worst, tt.good)
			}
			var got []string
			for i, f := range report.Findings {
				line := f.String()
				if i < len(tt.want) && strings.HasPrefix(line, tt.want[i]) {
					line = tt.want[i]
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if made != closed {
				t.Errorf("%d configs made, %d closed", made, closed)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := configcheck.New(options(configcheck.Options{}), pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { return &struct{}{} }}); err == nil {
		t.Error("a plugin without a phase is taken")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(`plugins: [{name: p, config: {date: 2027-02-31}}]`)
	f.Add(`{services: [{plugins: [{name: p, config: [1, {}]}]}, 7], consumers: {a: b}}`)
	closed := 0
	checker, err := configcheck.New(options(configcheck.Options{}), pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { return &config{closed: &closed} }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, found := range check(checker, text).Findings {
			if strings.Contains(found.What, "\n") {
				t.Errorf("more than one line: %q", found)
			}
		}
	})
}
