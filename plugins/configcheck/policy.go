package configcheck

import (
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/lifecyclepolicy"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// defaultPolicy is what a report calls the policy that holds without a file.
const defaultPolicy = "the default, since no file was given or found"

// hasPolicy reports whether there is one that versions are held to. One with a mistake is none.
func (p *pass) hasPolicy() bool { return p.policy != nil }

// lifecyclePolicy reads the policy that versions are held to, and finds what is wrong with it.
func (p *pass) lifecyclePolicy() {
	switch {
	case !p.Lifecycle:
	case p.LifecycleFile == nil:
		p.policy, p.report.Lifecycle = lifecyclepolicy.Default(), defaultPolicy
	default:
		p.report.Lifecycle = p.LifecycleFile.Name
		p.readPolicy(*p.LifecycleFile)
	}
}

func (p *pass) readPolicy(file kongyaml.File) {
	document, err := kongyaml.Layer(file)
	if err != nil {
		for _, f := range NotReadable(file, nil, err).Findings {
			switch f.Fix {
			case whatToBegin:
				f.Fix = "write stages, notice or freezes, as docs/api-lifecycle.md has them"
			case whatKongReads:
				f.Fix = "correct it: a policy is one mapping in YAML or JSON"
			}
			p.foundInPolicy(f.File, f.Line, "", strings.TrimSuffix(f.What, kongTakesLast), f.Fix)
		}
		return
	}
	value, err := document.Value()
	if err != nil {
		return // it was read before
	}
	policy, mistakes := lifecyclepolicy.Read(value)
	for _, m := range mistakes {
		position := document.At(m.Path)
		p.foundInPolicy(position.File, position.Line, m.Path.String(), m.What, m.Fix)
	}
	if len(mistakes) == 0 {
		p.policy = policy
	}
}

// foundInPolicy adds a finding in the policy's own file.
func (p *pass) foundInPolicy(file string, line int, path, what, fix string) {
	p.report.Findings = append(p.report.Findings, Finding{
		Rule: p.rule.Name, Severity: p.rule.Severity, File: file, Line: line, Path: path, What: oneLine(what), Fix: oneLine(fix),
	})
	p.about = append(p.about, p.config.Whole)
}

// noticesTooShort finds versions that end sooner after their deprecation than those who call
// them were promised. Of what has ended it says nothing: nobody can be told earlier.
func (p *pass) noticesTooShort() {
	for _, said := range p.endings() {
		end, ends := said.date("sunset_at")
		audience, route := p.audienceOf(said.by)
		if !ends || !end.After(p.Now) || audience.Days == 0 {
			continue
		}
		whose := fmt.Sprintf("the policy has %d for %s, who call %s", audience.Days, audience.Name, routeName(route))
		deprecated, ok := said.date("deprecated_at")
		switch {
		case said.config["deprecated_at"] == nil:
			p.found(said.by.Entity, said.at.At("sunset_at"), fmt.Sprintf("there is no deprecated_at from which days of notice count, and %s", whose), "write deprecated_at")
		case !ok || end.Before(deprecated): // told of by the plugin
		case p.policy.Days(deprecated, end) < audience.Days:
			p.found(said.by.Entity, said.at.At("sunset_at"), fmt.Sprintf("%s is %s after deprecated_at, and %s", lifecycle.RFC3339(end), daysLong(p.policy.Days(deprecated, end)), whose),
				fmt.Sprintf("write sunset_at: %q or later, or say why: %s", p.policy.FirstDay(deprecated, audience.Days), waiverFor("sunset-notice")))
		}
	}
}

// audienceOf is who has the longest notice of those who call a plugin's routes, and where.
func (p *pass) audienceOf(plugin *gateway.Plugin) (longest lifecyclepolicy.Audience, on gateway.Route) {
	for _, r := range p.routesOf(plugin) {
		if a, ok := p.policy.NoticeOf(p.calledBy(r)); ok && (on.Entity == nil || a.Days > longest.Days) {
			longest, on = a, r
		}
	}
	return longest, on
}

// routesOf are the routes that a plugin runs on.
func (p *pass) routesOf(plugin *gateway.Plugin) (routes []gateway.Route) {
	for _, r := range p.config.Routes {
		if p.config.On(r, plugin.Consumer, plugin.Name()) == plugin {
			routes = append(routes, r)
		}
	}
	return routes
}

// calledBy is what tells whose a route is.
func (p *pass) calledBy(r gateway.Route) lifecyclepolicy.Route {
	of := lifecyclepolicy.Route{Tags: gateway.Strings(r.Fields["tags"]), Paths: gateway.Strings(r.Fields["paths"])}
	if r.Service != nil {
		of.Tags = append(of.Tags, gateway.Strings(r.Service.Fields["tags"])...)
	}
	for _, name := range p.config.Names() {
		if p.config.On(r, nil, name) != nil {
			of.Plugins = append(of.Plugins, name)
		}
	}
	if acl := p.config.On(r, nil, "acl"); acl != nil {
		of.Groups = gateway.Strings(acl.Config()["allow"])
	}
	return of
}
