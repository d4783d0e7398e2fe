package configcheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// versionEnding is what is said of the end of a version on one of its routes.
type versionEnding struct {
	announcement
	route gateway.Route
	// names are the versions that the route names, in order.
	names []string
}

// sameVersion reports whether two routes are of one version: they name the same one, and have
// a service in common or go on to the same successor. Those that name none have both in
// common: one service may have parts that end each on its own.
func (a *versionEnding) sameVersion(b *versionEnding) bool {
	service := a.route.Service != nil && a.route.Service == b.route.Service
	next, _ := a.config["successor"].(string)
	successor := next != "" && a.config["successor"] == b.config["successor"]
	if len(a.names) == 0 {
		return len(b.names) == 0 && service && successor
	}
	return slices.Equal(a.names, b.names) && (service || successor)
}

// endingsOfOneVersion finds two configs that say of one version that it ends differently: those
// who call one part of it plan by the one, and others by the other.
func (p *pass) endingsOfOneVersion() {
	all := p.endingsOfRoutes()
	told := map[string]bool{}
	for i := range all {
		for j := range i {
			if a, b := &all[j], &all[i]; a.by != b.by && a.sameVersion(b) {
				p.disagree(a, b, told)
			}
		}
	}
}

// disagree compares what is said of one version in two places, of which each is told once.
func (p *pass) disagree(a, b *versionEnding, told map[string]bool) {
	for _, field := range []string{"deprecated_at", "sunset_at", "after_sunset"} {
		here, there := a.path(field).String(), b.path(field).String()
		if a.says(field) == b.says(field) || told[there] || told[there+" "+here] {
			continue
		}
		told[there], told[here+" "+there] = true, true
		p.found(b.by.Entity, b.at.At(field), fmt.Sprintf("%s here, and %s in %s (%s), of %s", b.says(field), a.says(field), here, p.config.Document.At(a.path(field)), b.whatIsShared(a)),
			"write the same in both, or one plugin for both")
	}
}

// endingsOfRoutes are what is said on each route, by a plugin that Kong runs there and by one
// that it does not run, since another goes before it. What is for all is of no version.
func (p *pass) endingsOfRoutes() (all []versionEnding) {
	for _, r := range p.config.Routes {
		for _, name := range []string{"sunset-headers", oneHop} {
			for _, plugin := range p.config.Chain(r, nil, name) {
				said := announcementOf(plugin)
				if said.by != nil && (plugin.Route != nil || plugin.Service != nil) {
					all = append(all, versionEnding{said, r, slices.Compact(slices.Sorted(slices.Values(versionsOf(r))))})
				}
			}
		}
	}
	return all
}

func (a *versionEnding) path(field string) schema.Path { return a.by.Path.At(a.at.At(field)...) }

// says is what is said in a field, so that the same is the same however it is written.
func (a *versionEnding) says(field string) string {
	if field == "after_sunset" {
		return string(a.afterSunset())
	}
	if at, ok := a.date(field); ok {
		return lifecycle.RFC3339(at)
	}
	if written := a.config[field]; written != nil {
		return fmt.Sprintf("%q", written)
	}
	return "none"
}

// whatIsShared says by what two are of one version.
func (a *versionEnding) whatIsShared(b *versionEnding) string {
	version := "the same version"
	if len(a.names) > 0 {
		version = strings.Join(a.names, " and ")
	}
	if a.route.Service != nil && a.route.Service == b.route.Service {
		return version + " of service " + a.route.Service.Name()
	}
	return fmt.Sprintf("%s before %v", version, a.config["successor"])
}
