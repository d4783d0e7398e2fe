package configcheck

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// sunsetPassed finds versions that are past their end.
func (p *pass) sunsetPassed() {
	for _, plugin := range p.config.Plugins {
		config, path := plugin.Config(), at("config")
		switch {
		case plugin.Name() == oneHop && runs(plugin, "sunset_headers"):
			config, path = gateway.Map(config["sunset_headers"]), path.At("sunset_headers")
		case plugin.Name() != "sunset-headers":
			continue
		}
		p.ended(plugin, path, config)
	}
}

func (p *pass) ended(plugin *gateway.Plugin, path schema.Path, config map[string]any) {
	end, ok := date(config["sunset_at"])
	exempted := slices.ContainsFunc(gateway.List(config["exemptions"]), func(item any) bool {
		until, ok := date(gateway.Map(item)["until"])
		return ok && until.After(p.Now)
	})
	if !ok || end.After(p.Now) || exempted {
		return
	}
	what, fix := "it answers 410 to all since then", "take out the route and what is behind it"
	switch {
	case config["after_sunset"] == "warn":
		what, fix = "it goes on all the same, since after_sunset is warn", "write after_sunset: gone, or a later sunset_at if it was agreed"
	case config["dry_run"] == true:
		what, fix = "it goes on all the same, since dry_run is true", "write dry_run: false, or a later sunset_at if it was agreed"
	case config["after_sunset"] == "redirect":
		what = "it answers 308 to its successor since then, and 410 where it cannot"
	}
	p.found(plugin.Entity, path.At("sunset_at"), fmt.Sprintf("the version ended at %s: %s", lifecycle.RFC3339(end), what), fix)
}

// date reads one that is right; of others the plugin's own check tells.
func date(value any) (time.Time, bool) {
	text, _ := value.(string)
	t, err := lifecycle.ParseDate(text)
	return t, err == nil
}
