package endings

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
)

// Version is an API version that is going to end: a route with its plugin. A plugin of one
// consumer's own is not looked at.
type Version struct {
	// Route is the route's name, or its id.
	Route string
	Life
}

// The plugins that end versions, and the section of the one hop's.
const (
	oneHop  = "gatehouse"
	section = "sunset_headers"
)

// Versions are those of a config, by the names of their routes. The error is of a config
// that `gatehouse check` refuses.
func Versions(document *kongyaml.Document) (list []Version, err error) {
	c, err := gateway.Read(document)
	if err != nil {
		return nil, err
	}
	for _, route := range c.Routes {
		config := configOn(c, route)
		name := cmp.Or(route.Text("name"), route.Text("id"))
		if config == nil || name == "" {
			continue
		}
		life, err := lifeOf(config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; gatehouse check says where", route.Entity, err)
		}
		list = append(list, Version{Route: name, Life: life})
	}
	slices.SortFunc(list, func(a, b Version) int { return strings.Compare(a.Route, b.Route) })
	return list, nil
}

// configOn is the config of the plugin that ends the version on a route, nil if none does.
func configOn(c *gateway.Config, route gateway.Route) map[string]any {
	if p := c.On(route, nil, sunsetheaders.Name); p != nil {
		return p.Config()
	}
	p := c.On(route, nil, oneHop)
	if p == nil || !slices.Contains(gateway.Strings(p.Config()["run"]), section) {
		return nil
	}
	return gateway.Map(p.Config()[section])
}

func lifeOf(fields map[string]any) (Life, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return Life{}, fmt.Errorf("encode config: %w", err)
	}
	var config sunsetheaders.Config
	if err := json.Unmarshal(text, &config); err != nil {
		return Life{}, fmt.Errorf("read config: %w", err)
	}
	plan, err := config.Plan()
	return Life{Plan: plan, Recorded: config.Observe, In: config.Redis}, err
}

// Only are the versions of these routes; all if none is named.
func Only(list []Version, routes []string) ([]Version, error) {
	if len(routes) == 0 {
		return list, nil
	}
	var names []string
	for _, v := range list {
		names = append(names, v.Route)
	}
	for _, route := range routes {
		if !slices.Contains(names, route) {
			return nil, fmt.Errorf("no version that ends is on a route %q%s; there are: %s", route, spelling.DidYouMean(route, names), strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(v Version) bool { return !slices.Contains(routes, v.Route) }), nil
}
