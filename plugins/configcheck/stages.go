package configcheck

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// stagesTooShort finds brownouts that begin before anybody can have read of the deprecation,
// and those that leave no time before the end. A dry run switches nothing off.
func (p *pass) stagesTooShort() {
	for _, said := range p.endings() {
		brownouts := p.brownouts(said)
		if len(brownouts) == 0 {
			continue
		}
		first := slices.MinFunc(brownouts, func(a, b sunsetheaders.Span) int { return a.Start.Compare(b.Start) })
		if !first.End.After(p.Now) {
			continue
		}
		begins := fmt.Sprintf("the first brownout begins at %s", lifecycle.RFC3339(first.Start))
		if deprecated, ok := said.date("deprecated_at"); ok && !first.Start.Before(deprecated) {
			p.tooShort(said, first, p.policy.Days(deprecated, first.Start), p.policy.Stages.Deprecated, "after", begins+", %s deprecated_at, and the policy has %d for who reads of it",
				"begin it on "+p.policy.FirstDay(deprecated, p.policy.Stages.Deprecated)+" or later")
		}
		if end, ok := said.date("sunset_at"); ok && first.Start.Before(end) { // else the plugin says so
			p.tooShort(said, first, p.policy.Days(first.Start, end), p.policy.Stages.Brownouts, "before", begins+", %s sunset_at, and the policy has %d for who notices it",
				"begin it on "+p.policy.LastDay(end, -p.policy.Stages.Brownouts)+" or earlier")
		}
	}
}

// tooShort tells of a stage of days, of which the policy has more. The text has a place for how
// far away its one end is from the other.
func (p *pass) tooShort(said announcement, first sunsetheaders.Span, days, least int, side, text, fix string) {
	if days >= least {
		return
	}
	away := "on the day of"
	if days != 0 {
		away = daysLong(days) + " " + side
	}
	p.found(said.by.Entity, said.spanAt(first), fmt.Sprintf(text, away, least), fix+", or say why: "+waiverFor("sunset-stages"))
}

// brownouts are those of a version, none in a dry run.
func (p *pass) brownouts(said announcement) []sunsetheaders.Span {
	if said.config["dry_run"] == true {
		return nil
	}
	text, err := json.Marshal(said.config)
	if err != nil {
		return nil // it was decoded from JSON's values
	}
	var config sunsetheaders.Config
	_ = json.Unmarshal(text, &config) // what no field takes is told of by plugin-config
	return config.Spans()
}

// spanAt is where the beginning of a brownout is written.
func (a announcement) spanAt(s sunsetheaders.Span) schema.Path {
	begin := "start_at"
	if s.Field == "brownout_schedules" {
		begin = "first_day"
	}
	return a.at.At(s.Field, s.Index, begin)
}

// frozen finds ends and brownouts at times at which the policy has nothing switched off.
func (p *pass) frozen() {
	for _, said := range p.endings() {
		if end, ends := said.date("sunset_at"); ends {
			p.frozenEnd(said, said.at.At("sunset_at"), end, "the version ends at")
			p.frozenExemptions(said, end)
		}
		p.frozenBrownouts(said)
	}
}

// frozenExemptions tells of exemptions as of ends, since each is one for its caller. One that
// is over before the version ends was from brownouts.
func (p *pass) frozenExemptions(said announcement, end time.Time) {
	for i, item := range gateway.List(said.config["exemptions"]) {
		fields := gateway.Map(item)
		if until, ok := date(fields["until"]); ok && until.After(end) {
			consumer, _ := fields["consumer"].(string)
			p.frozenEnd(said, said.at.At("exemptions", i, "until"), until, cmp.Or(consumer, "it")+" may go on until")
		}
	}
}

// frozenEnd tells of an end, past ones aside.
func (p *pass) frozenEnd(said announcement, at schema.Path, end time.Time, what string) {
	for _, f := range p.policy.Freezes {
		if of, ok := f.Holds(end); ok && end.After(p.Now) {
			p.found(said.by.Entity, at, fmt.Sprintf("%s %s, in the freeze %s", what, lifecycle.RFC3339(end), &f),
				"end it at "+lifecycle.RFC3339(of.End)+" or later, or before the freeze")
		}
	}
}

// frozenBrownouts tells of the first in each freeze of each entry: a schedule may have many.
func (p *pass) frozenBrownouts(said announcement) {
	type entry struct {
		field         string
		index, freeze int
	}
	told := map[entry]bool{}
	for _, s := range p.brownouts(said) {
		for i, f := range p.policy.Freezes {
			of, ok := f.Meets(s.Window)
			if !ok || !s.End.After(p.Now) || told[entry{s.Field, s.Index, i}] {
				continue
			}
			told[entry{s.Field, s.Index, i}] = true
			p.found(said.by.Entity, said.spanAt(s), fmt.Sprintf("the brownout from %s to %s is in the freeze %s", lifecycle.RFC3339(s.Start), lifecycle.RFC3339(s.End), &f),
				fmt.Sprintf("have none from %s to %s", lifecycle.RFC3339(of.Start), lifecycle.RFC3339(of.End)))
		}
	}
}

// exemptionsTooLong finds callers who may go on for longer after the end than the policy has.
func (p *pass) exemptionsTooLong() {
	for _, said := range p.endings() {
		end, ends := said.date("sunset_at")
		for i, item := range gateway.List(said.config["exemptions"]) {
			until, ok := date(gateway.Map(item)["until"])
			if most := p.policy.Stages.Exempt; ends && ok && until.After(p.Now) && p.policy.Days(end, until) > most {
				consumer, _ := gateway.Map(item)["consumer"].(string)
				p.found(said.by.Entity, said.at.At("exemptions", i, "until"), fmt.Sprintf("%s may go on until %s, %s after sunset_at, and the policy has %d at most",
					cmp.Or(consumer, "it"), lifecycle.RFC3339(until), daysLong(p.policy.Days(end, until)), most),
					fmt.Sprintf("write until: %q or earlier, or say why: %s", p.policy.LastDay(end, most), waiverFor("sunset-exemption")))
			}
		}
	}
}

// sunsetLongPast finds versions that ended so long ago that they are to be taken out. A waiver
// acknowledges it.
func (p *pass) sunsetLongPast() {
	for _, said := range p.endings() {
		if end, ok := p.ended(said); ok && p.longPast(end) {
			what, fix := afterEnd(said.config)
			p.found(said.by.Entity, said.at.At("sunset_at"), fmt.Sprintf("the version ended at %s, %s ago, and the policy has %d: %s", lifecycle.RFC3339(end), daysLong(p.policy.Days(end, p.Now)), p.policy.Stages.Gone, what),
				fix+`, or acknowledge it: _ignore: ["sunset-long-past until DATE: REASON"]`)
		}
	}
}

// longPast reports whether an end is further back than the policy has what is gone answer so.
func (p *pass) longPast(end time.Time) bool {
	return p.policy != nil && p.policy.Days(end, p.Now) > p.policy.Stages.Gone
}

func daysLong(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// exemptionsUnknown finds callers who are to go on after the end, and whom no consumer is: they
// get a 410 on the day.
func (p *pass) exemptionsUnknown() {
	for _, said := range p.endings() {
		for i, item := range gateway.List(said.config["exemptions"]) {
			p.nameOf("consumers", said.by, gateway.Map(item)["consumer"], said.at.At("exemptions", i, "consumer"))
		}
	}
}
