package configcheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// ignoreField is where waivers are. Kong takes it on each entity, and leaves it out.
const ignoreField = "_ignore"

// waiver says that findings of a rule are meant, on an entity and those nested in it.
type waiver struct {
	on     *gateway.Entity
	index  int
	rule   string
	reason string
	used   bool
}

var waiverForm = regexp.MustCompile(`^([a-z0-9-]+):\s+(\S.*)$`)

// waive takes out the findings that are waived, and adds those about waivers.
func (p *pass) waive() {
	waivers := p.waivers()
	var left []Finding
	for i, f := range p.report.Findings {
		w := covering(waivers, f, p.about[i])
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
		if !w.used {
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
			rule, reason, wrong := readWaiver(text)
			if wrong != "" {
				p.foundBy(ruleOf(waiverInvalid), e, at(ignoreField, i), wrong, `write "RULE: REASON"`)
				continue
			}
			waivers = append(waivers, &waiver{on: e, index: i, rule: rule, reason: reason})
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

func readWaiver(text string) (rule, reason, wrong string) {
	parts := waiverForm.FindStringSubmatch(text)
	name, _, _ := strings.Cut(text, ":")
	name = strings.TrimSpace(name)
	known := ruleOf(name)
	switch {
	case known == nil:
		return "", "", fmt.Sprintf("%q is no rule%s", name, spelling.DidYouMean(name, ruleNames()))
	case parts == nil:
		return "", "", fmt.Sprintf("the waiver of %s has no reason", name)
	case known.Refused:
		return "", "", fmt.Sprintf("%s cannot be waived: Kong refuses the config", name)
	case name == waiverInvalid || name == waiverUnused:
		return "", "", fmt.Sprintf("%s cannot be waived", name)
	default:
		return name, parts[2], ""
	}
}

// covering is the waiver of a finding, the innermost if there are several.
func covering(waivers []*waiver, f Finding, about *gateway.Entity) *waiver {
	for e := about; e != nil; e = e.Parent {
		if i := slices.IndexFunc(waivers, func(w *waiver) bool { return w.on == e && w.rule == f.Rule }); i >= 0 {
			return waivers[i]
		}
	}
	return nil
}
