package configcheck_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// config is a plugin's that is easily wrong.
type config struct {
	Date   string   `json:"date" kong:"shape=date" desc:"A date, or something else."`
	Names  []string `json:"names" kong:"shape=printable,each_len_max=9" desc:"Names to look for."`
	Secret string   `json:"secret" kong:"referenceable,encrypted,len_min=32" desc:"A key that nobody may see."`
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
	return nil
}

func (c *config) Warnings() []error {
	if c.Date == "" {
		return []error{errors.New("date: absent")}
	}
	return nil
}

func (c *config) Close() error { *c.closed++; return nil }

func TestCheck(t *testing.T) {
	t.Parallel()
	const degraded = " (the plugin starts degraded)"
	tests := []struct {
		name, config string
		worst        configcheck.Severity
		want         []string
		good         int
	}{
		{"good", `plugins: [{name: p, config: {date: 2027-06-30}}]`, configcheck.Warning, nil, 1},
		{"a warning", `plugins: [{name: p}]`, configcheck.Warning, []string{"plugins[0] p: date: absent"}, 1},
		{"nothing", `{}`, configcheck.Warning, nil, 0},
		{"other people's", `plugins: [{name: other, config: {date: soon}}, nonsense, {config: 1}]`, configcheck.Warning, nil, 0},
		{"refused", `plugins: [{name: p, config: {date: soon}}]`, configcheck.Refused, []string{`plugins[0] p: date: "soon": write a date as 2027-06-30 or 2027-06-30T12:00:00Z (RFC 3339), from 1970 on`}, 0},
		{"everything that is wrong", `plugins: [{name: p, config: {date: 7, names: [a, é, "0123456789"], nmaes: []}}]`, configcheck.Refused, []string{
			"plugins[0] p: date: expected a string", `plugins[0] p: names[1]: "é": write printable ASCII characters`,
			`plugins[0] p: names[2]: "0123456789": length must be at most 9`, "plugins[0] p: nmaes: unknown field",
		}, 0},
		{"no record", `plugins: [{name: p, config: date}]`, configcheck.Refused, []string{"plugins[0] p: expected a record"}, 0},
		{"a secret is not shown", `plugins: [{name: p, config: {date: 2027-06-30, secret: hunter2}}]`, configcheck.Refused, []string{"plugins[0] p: secret: length must be at least 32"}, 0},
		{"a secret in a vault", `plugins: [{name: p, config: {date: 2027-06-30, secret: "{vault://env/secret}"}}]`, configcheck.Warning, nil, 1},
		{"what only code can know, a line each", `plugins: [{name: p, config: {date: 2027-02-31}}]`, configcheck.Mistake, []string{
			`plugins[0] p: date: "2027-02-31" is no date` + degraded, "plugins[0] p: and so on" + degraded,
		}, 0},
		{"not enabled", `plugins: [{name: p, enabled: false, config: {date: 2027-02-31}}]`, configcheck.Warning, nil, 1},
		{"not enabled, and refused", `plugins: [{name: p, enabled: false, config: {date: soon}}]`, configcheck.Refused, []string{`plugins[0] p: date: "soon"`}, 0},
		{"nested", `{services: [{routes: [{plugins: [{name: p}]}]}], consumers: [{}, {plugins: [{name: p}]}], consumer_groups: [{plugins: [{name: p}]}]}`, configcheck.Warning, []string{
			"services[0].routes[0].plugins[0] p: date: absent", "consumers[1].plugins[0] p: date: absent", "consumer_groups[0].plugins[0] p: date: absent",
		}, 3},
		{"a panic", `plugins: [{name: p, config: {date: 2027-01-01}}]`, configcheck.Mistake, []string{"plugins[0] p: panic: a new year" + degraded}, 0},
		{"JSON", `{"plugins": [{"name": "p", "config": {"date": "2027-06-30"}}]}`, configcheck.Warning, nil, 1},
		{"no YAML", `plugins: [`, configcheck.Refused, []string{"parse declarative config: "}, 0},
		{"a log plugin", `plugins: [{name: file-log}]`, configcheck.Mistake, []string{"plugins[0] file-log: GATEHOUSE_LOG_PLUGINS=off says that there is no such plugin"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			made, closed := 0, 0
			checker, err := configcheck.New(true, pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { made++; return &config{closed: &closed} }})
			if err != nil {
				t.Fatal(err)
			}
			made = 0 // one was looked at
			report := checker.Check([]byte(tt.config))
			if report.Worst() != tt.worst || report.Good != tt.good {
				t.Errorf("severity %d and %d good, want %d and %d", report.Worst(), report.Good, tt.worst, tt.good)
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
	if _, err := configcheck.New(false, pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { return &struct{}{} }}); err == nil {
		t.Error("a plugin without a phase is taken")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(`plugins: [{name: p, config: {date: 2027-02-31}}]`)
	f.Add(`{services: [{plugins: [{name: p, config: [1, {}]}]}, 7], consumers: {a: b}}`)
	closed := 0
	checker, err := configcheck.New(false, pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { return &config{closed: &closed} }})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, found := range checker.Check([]byte(text)).Findings {
			if strings.Contains(found.What, "\n") {
				t.Errorf("more than one line: %q", found)
			}
		}
	})
}
