package configcheck

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// endings are the configs that say when a version ends, of sunset-headers and of its section
// in one hop.
func (p *pass) endings() (all []announcement) {
	for _, plugin := range p.config.Plugins {
		if said := announcementOf(plugin); said.by != nil {
			all = append(all, said)
		}
	}
	return all
}

// announcementOf is what a plugin says of an end, by nil if it says nothing of one.
func announcementOf(plugin *gateway.Plugin) announcement {
	config, path := plugin.Section("sunset-headers", "sunset_headers")
	if path == nil {
		return announcement{}
	}
	return announcement{plugin, config, path}
}

// sunsetPassed finds versions that are past their end. Of those that are long past
// sunsetLongPast tells, where there is a policy.
func (p *pass) sunsetPassed() {
	for _, said := range p.endings() {
		if end, ok := p.ended(said); ok && !p.longPast(end) {
			what, fix := afterEnd(said.config)
			p.found(said.by.Entity, said.at.At("sunset_at"), fmt.Sprintf("the version ended at %s: %s", lifecycle.RFC3339(end), what), fix)
		}
	}
}

// ended is when a version ended, unless somebody is exempt from that until later.
func (p *pass) ended(said announcement) (end time.Time, ok bool) {
	end, ok = said.date("sunset_at")
	exempted := slices.ContainsFunc(gateway.List(said.config["exemptions"]), func(item any) bool {
		until, ok := date(gateway.Map(item)["until"])
		return ok && until.After(p.Now)
	})
	return end, ok && !end.After(p.Now) && !exempted
}

// afterSunset is what becomes of a version at its end.
func (a announcement) afterSunset() lifecycle.AfterSunset {
	text, _ := a.config["after_sunset"].(string)
	return cmp.Or(lifecycle.AfterSunset(text), lifecycle.AfterSunsetGone)
}

// stops reports whether a version answers 410 to all after its end.
func (a announcement) stops() bool {
	return a.config["dry_run"] != true && a.afterSunset() == lifecycle.AfterSunsetGone
}

// afterEnd says what a version does since its end, and what is to be done.
func afterEnd(config map[string]any) (what, fix string) {
	switch {
	case config["after_sunset"] == "warn":
		return "it goes on all the same, since after_sunset is warn", "write after_sunset: gone, or a later sunset_at if it was agreed"
	case config["dry_run"] == true:
		return "it goes on all the same, since dry_run is true", "write dry_run: false, or a later sunset_at if it was agreed"
	case config["after_sunset"] == "redirect":
		return "it answers 308 to its successor since then, and 410 where it cannot", takeOut
	}
	return "it answers 410 to all since then", takeOut
}

const takeOut = "take out the route and what is behind it"

// date reads one that is right; of others the plugin's own check tells.
func date(value any) (time.Time, bool) {
	text, _ := value.(string)
	t, err := lifecycle.ParseDate(text)
	return t, err == nil
}
