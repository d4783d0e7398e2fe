package lifecyclepolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/lifecyclepolicy"
)

// read is the policy of a text, with what is wrong in it: "PATH: WHAT; FIX".
func read(t *testing.T, text string) (*lifecyclepolicy.Policy, []string) {
	t.Helper()
	document, err := kongyaml.Layer(kongyaml.File{Name: "lifecycle.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	value, err := document.Value()
	if err != nil {
		t.Fatal(err)
	}
	policy, mistakes := lifecyclepolicy.Read(value)
	var lines []string
	for _, m := range mistakes {
		lines = append(lines, m.Path.String()+": "+m.What+"; "+m.Fix)
	}
	return policy, lines
}

func TestRead(t *testing.T) {
	t.Parallel()
	p, wrong := read(t, `
time_zone: Europe/Berlin
stages: { deprecated_days: 30, gone_days: 0 }
notice:
  - { audience: partners, days: 365, tags: [partner], paths: [/partner], groups: [partners], plugins: [key-auth] }
  - { audience: all, days: 30 }
freezes:
  - { name: end of year, from: 12-15, to: 01-06 }
  - { name: moving house, from: 2027-03-25, to: 2027-03-25, time_zone: America/New_York }
`)
	if wrong != nil {
		t.Fatal(wrong)
	}
	if got, want := p.Stages, (lifecyclepolicy.Stages{Deprecated: 30, Brownouts: 1, Exempt: 180}); got != want {
		t.Errorf("stages %+v, want %+v: what is not written is as in the default", got, want)
	}
	want := []lifecyclepolicy.Audience{
		{Name: "partners", Days: 365, Tags: []string{"partner"}, Paths: []string{"/partner"}, Groups: []string{"partners"}, Plugins: []string{"key-auth"}},
		{Name: "all", Days: 30},
	}
	if diff := cmp.Diff(want, p.Notice); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
	var freezes []string
	for _, f := range p.Freezes {
		freezes = append(freezes, f.String())
	}
	if diff := cmp.Diff([]string{`"end of year" (12-15 to 01-06, Europe/Berlin)`, `"moving house" (2027-03-25 to 2027-03-25, America/New_York)`}, freezes); diff != "" {
		t.Errorf("freezes (-want +got):\n%s", diff)
	}
}

// TestReadRefuses: each mistake is one line with the field, the value and what to write.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	const (
		aDay  = `write a day, such as "2027-12-15", or of each year, as "12-15"`
		aZone = "write a name from the IANA database, such as Europe/Berlin"
	)
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"a slip":                              {"{notise: []}", []string{"notise: no such field; notice?"}},
		"another field":                       {"{versions: 2}", []string{"versions: no such field; there are time_zone, stages, notice, freezes"}},
		"stages as a list":                    {"{stages: []}", []string{"stages: a list: expected fields; write deprecated_days: VALUE, and so on"}},
		"nothing under stages":                {"{stages: }", []string{"stages: it is empty: expected fields; write deprecated_days: VALUE, and so on"}},
		"a stage that is none":                {"{stages: {browned_days: 1}}", []string{"stages.browned_days: no such field; brownout_days?"}},
		"a number in quotes":                  {"{stages: {gone_days: '90'}}", []string{`stages.gone_days: "90": expected a number of days; write a whole number from 0 to 3660, without quotes`}},
		"part of a day":                       {"{stages: {gone_days: 1.5}}", []string{"stages.gone_days: 1.5: expected a number of days; write a whole number from 0 to 3660, without quotes"}},
		"too many days":                       {"{stages: {gone_days: 1e9}}", []string{"stages.gone_days: 1000000000: expected a number of days; write a whole number from 0 to 3660, without quotes"}},
		"before it began":                     {"{stages: {exempt_days: -1}}", []string{"stages.exempt_days: -1: expected a number of days; write a whole number from 0 to 3660, without quotes"}},
		"yes for a number":                    {"{stages: {exempt_days: yes}}", []string{"stages.exempt_days: true: expected a number of days; write a whole number from 0 to 3660, without quotes"}},
		"on the day itself":                   {"{stages: {deprecated_days: 0}}", []string{"stages.deprecated_days: 0: expected a number of days; write a whole number from 1 to 3660, without quotes"}},
		"notice as a number":                  {"{notice: 180}", []string{"notice: 180: expected a list; write a line for each, such as - { audience: partners, days: 180, tags: [partners] }"}},
		"notice for nobody":                   {"{notice: []}", []string{"notice: an empty list; write a line for each, such as - { audience: partners, days: 180, tags: [partners] }, or take the field out"}},
		"an audience as a word":               {"{notice: [partners]}", []string{`notice[0]: "partners": expected fields; write audience: VALUE, and so on`}},
		"no name and no days":                 {"{notice: [{tags: [a]}]}", []string{"notice[0]: there is no audience; write what it is called, such as audience: partners", "notice[0]: there is no days; write how long the notice is, such as days: 180"}},
		"an audience twice":                   {"{notice: [{audience: a, days: 1}, {audience: a, days: 2}]}", []string{`notice[1].audience: "a" is there twice; make one of the two, with the selectors of both`}},
		"tags as a word":                      {"{notice: [{audience: a, days: 1, tags: a}]}", []string{`notice[0].tags: "a": expected a list; write a line for each, such as - partners`}},
		"a tag that is none":                  {"{notice: [{audience: a, days: 1, tags: [no]}]}", []string{"notice[0].tags[0]: false: expected a text; write a name, in quotes if it is a number or such as yes"}},
		"a path without slash":                {"{notice: [{audience: a, days: 1, paths: [partner, ~/x]}]}", []string{`notice[0].paths[0]: "partner": a path begins with a slash; write /partner`, `notice[0].paths[1]: "~/x": a path begins with a slash; write /x`}},
		"a zone":                              {"{time_zone: Europe/Bremen}", []string{`time_zone: "Europe/Bremen" is not known here; ` + aZone}},
		"the machine's zone":                  {"{time_zone: Local}", []string{`time_zone: "Local" is not known here; ` + aZone}},
		"no zone":                             {"{time_zone: ''}", []string{"time_zone: it is empty; " + aZone}},
		"a zone as a number":                  {"{time_zone: 2}", []string{"time_zone: 2: expected a text; " + aZone}},
		"a path to a zone":                    {"{time_zone: ../etc/localtime}", []string{`time_zone: "../etc/localtime" is not known here; ` + aZone}},
		"a freeze's zone":                     {`{freezes: [{name: f, from: "12-15", to: "12-20", time_zone: CEST}]}`, []string{`freezes[0].time_zone: "CEST" is not known here; ` + aZone}},
		"no days":                             {"{freezes: [{name: f}]}", []string{"freezes[0]: there is no from; " + aDay, "freezes[0]: there is no to; " + aDay}},
		"no name":                             {`{freezes: [{from: "12-15", to: "12-20"}]}`, []string{"freezes[0]: there is no name; write what it is called, such as name: end of year"}},
		"a day as a number":                   {`{freezes: [{name: f, from: 12, to: "12-20"}]}`, []string{"freezes[0].from: 12: expected a text; " + aDay}},
		"a day that is none":                  {`{freezes: [{name: f, from: "2027-02-31", to: "2027-03-01"}]}`, []string{`freezes[0].from: "2027-02-31" is not a day; ` + aDay}},
		"a day of no year":                    {`{freezes: [{name: f, from: "02-30", to: "03-01"}]}`, []string{`freezes[0].from: "02-30" is no day of a year; write month and day, such as "12-15"`}},
		"a day of each year, in another form": {`{freezes: [{name: f, from: "15.12.", to: "Jan 6"}]}`, []string{`freezes[0].from: "15.12." is no day of each year; write "12-15"`, `freezes[0].to: "Jan 6" is no day of each year; write "01-06"`}},
		"a day to be guessed":                 {`{freezes: [{name: f, from: "12-15", to: "1/6"}]}`, []string{`freezes[0].to: "1/6" is no day of each year; write "06-01" or "01-06"`}},
		"a time without offset":               {`{freezes: [{name: f, from: "2027-12-15 10:00", to: "2027-12-20"}]}`, []string{`freezes[0].from: "2027-12-15 10:00" has a time in it; write the day only, such as 2027-12-15`}},
		"a word":                              {`{freezes: [{name: f, from: Christmas, to: "2027-12-20"}]}`, []string{`freezes[0].from: "Christmas" is not a day; ` + aDay}},
		"the 29th of February":                {`{freezes: [{name: f, from: "02-29", to: "03-01"}]}`, []string{`freezes[0].from: "02-29" is not in each year; write "02-28" or "03-01"`}},
		"a time":                              {`{freezes: [{name: f, from: "2027-12-15T10:00:00Z", to: "2027-12-20"}]}`, []string{`freezes[0].from: "2027-12-15T10:00:00Z" has a time in it; write the day only, such as 2027-12-15`}},
		"backwards":                           {`{freezes: [{name: f, from: "2027-12-15", to: "2027-12-14"}]}`, []string{`freezes[0].to: "2027-12-14" is before from, "2027-12-15"; write the last day of the freeze, the same as from or later`}},
		"one year and each":                   {`{freezes: [{name: f, from: "12-15", to: "2028-01-06"}]}`, []string{`freezes[0].to: "2028-01-06" is not written as from is, "12-15"; write both as days of one year, such as "2027-03-25", or both as days of each, such as "03-25"`}},
		"the whole year":                      {`{freezes: [{name: a, from: "01-07", to: "06-30"}, {name: b, from: "07-01", to: "01-06"}]}`, []string{"freezes: together they leave no day of a year, so that no version could end; leave some days out"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, wrong := read(t, tt.text)
			if diff := cmp.Diff(tt.want, wrong); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, wrong := read(t, `{freezes: [{name: f, from: 15.12.2027, to: "2027-12-20"}]}`); len(wrong) != 1 || !strings.Contains(wrong[0], "write 2027-12-15") {
		t.Errorf("a date of another country: %q", wrong)
	}
	if _, wrong := read(t, `{freezes: [{name: a, from: "01-07", to: "06-30"}, {name: b, from: "07-02", to: "01-06"}]}`); wrong != nil {
		t.Errorf("all but one day: %q", wrong)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"{}", "time_zone: UTC", "stages: {deprecated_days: 30}", "notice: [{audience: a, days: 180, tags: [a], paths: [/a]}]",
		`freezes: [{name: f, from: "12-15", to: "01-06"}, {name: g, from: 2027-01-01, to: 2027-01-02, time_zone: Asia/Tokyo}]`,
		`freezes: [{name: f, from: "02-29", to: "9999-12-31"}]`, "notice: [1, {days: .inf}]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		document, err := kongyaml.Layer(kongyaml.File{Name: "lifecycle.yaml", Text: []byte(text)})
		if err != nil {
			return
		}
		value, err := document.Value()
		if err != nil {
			return
		}
		policy, mistakes := lifecyclepolicy.Read(value)
		for _, m := range mistakes {
			if m.What == "" || m.Fix == "" {
				t.Errorf("%+v says nothing, or not what to do", m)
			}
		}
		if len(mistakes) > 0 {
			return
		}
		if policy.Stages.Deprecated < 1 || policy.Zone == nil {
			t.Errorf("%+v", policy)
		}
		for _, f := range policy.Freezes {
			if of, ok := f.Holds(f.First); f.Zone.String() == "UTC" && (!ok || !of.End.After(of.Start)) {
				t.Errorf("%v does not hold its own first day: %v", &f, of)
			}
		}
	})
}
