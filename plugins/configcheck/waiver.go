package configcheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// ignoreField is where waivers are. Kong takes it on each entity, and leaves it out.
const ignoreField = "_ignore"

// waiver says that findings of a rule are meant, on an entity and those nested in it.
type waiver struct {
	on     *gateway.Entity
	index  int
	rule   string
	reason string
	// until is when it ends, zero if it does not.
	until time.Time
	used  bool
}

var waiverForm = regexp.MustCompile(`^([a-z0-9-]+)(?:\s+until\s+(\S+))?:\s+(\S.*)$`)

// waive takes out the findings that are waived, and adds those about waivers.
func (p *pass) waive() {
	waivers := p.waivers()
	var left []Finding
	for i, f := range p.report.Findings {
		w := p.covering(waivers, f, p.about[i])
		if w == nil {
			left = append(left, f)
			continue
		}
		w.used = true
		f.Waived = w.reason
		p.report.Waived = append(p.report.Waived, f)
	}
	p.report.Findings = left
	for _, w := range waivers {
		switch {
		case w.used || !p.judged(w.rule):
		case p.over(w):
			p.foundBy(ruleOf(waiverUnused), w.on, at(ignoreField, w.index), fmt.Sprintf("%s: the waiver ended at %s", w.rule, lifecycle.RFC3339(w.until)), "mend what it waived, or agree on a later date")
		default:
			p.foundBy(ruleOf(waiverUnused), w.on, at(ignoreField, w.index), fmt.Sprintf("%s: nothing here or in it is found by that rule", w.rule), "take the waiver out")
		}
	}
}

// waivers are those that count. What is no text in a list is another's, such as anchors.
func (p *pass) waivers() (waivers []*waiver) {
	each := func(e *gateway.Entity) {
		if written := e.Fields[ignoreField]; written != nil && gateway.List(written) == nil {
			p.foundBy(ruleOf(waiverInvalid), e, at(ignoreField), "no list, which Kong refuses", `write ["RULE: REASON"]`)
		}
		for i, item := range gateway.List(e.Fields[ignoreField]) {
			text, ok := item.(string)
			if !ok {
				continue
			}
			w, wrong := readWaiver(text)
			if wrong != "" {
				p.foundBy(ruleOf(waiverInvalid), e, at(ignoreField, i), wrong, `write "RULE: REASON", or "RULE until DATE: REASON"`)
				continue
			}
			w.on, w.index = e, i
			waivers = append(waivers, &w)
		}
	}
	each(p.config.Whole)
	for _, kind := range p.config.Kinds() {
		for _, e := range p.config.All(kind) {
			each(e)
		}
	}
	return waivers
}

func readWaiver(text string) (w waiver, wrong string) {
	parts := waiverForm.FindStringSubmatch(text)
	name, _, _ := strings.Cut(text, ":")
	name, _, _ = strings.Cut(strings.TrimSpace(name), " until ")
	known := ruleOf(name)
	switch {
	case known == nil:
		return w, fmt.Sprintf("%q is no rule%s", name, spelling.DidYouMean(name, ruleNames()))
	case parts == nil:
		return w, fmt.Sprintf("the waiver of %s has no reason", name)
	case known.Refused:
		return w, fmt.Sprintf("%s cannot be waived: Kong refuses the config", name)
	case name == waiverInvalid || name == waiverUnused || name == lifecyclePolicy:
		return w, fmt.Sprintf("%s cannot be waived", name)
	}
	w = waiver{rule: name, reason: parts[3]}
	if parts[2] != "" {
		until, err := lifecycle.ParseDate(parts[2])
		if err != nil {
			return w, fmt.Sprintf("until %q %v", parts[2], err)
		}
		w.until = until
	}
	return w, ""
}

// over reports whether a waiver has ended.
func (p *pass) over(w *waiver) bool { return !w.until.IsZero() && !p.Now.Before(w.until) }

// judged reports whether a rule had what it judges by: of one that had not, nothing is found.
func (p *pass) judged(rule string) bool {
	r := ruleOf(rule)
	return r.needs == nil || r.needs(p)
}

// covering is the waiver of a finding, the innermost if there are several.
func (p *pass) covering(waivers []*waiver, f Finding, about *gateway.Entity) *waiver {
	for e := about; e != nil; e = e.Parent {
		if i := slices.IndexFunc(waivers, func(w *waiver) bool { return w.on == e && w.rule == f.Rule && !p.over(w) }); i >= 0 {
			return waivers[i]
		}
	}
	return nil
}
