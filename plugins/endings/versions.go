package endings

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// Version is an API version that is going to end: a route with its plugin. A plugin of one
// consumer's own is not looked at.
type Version struct {
	// Route is the route's name, or its id.
	Route string
	*lifecycle.Plan
	// Recorded says that it is kept who calls.
	Recorded bool
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
		v, err := version(name, config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; gatehouse check says where", route.Entity, err)
		}
		list = append(list, v)
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

func version(route string, fields map[string]any) (Version, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return Version{}, fmt.Errorf("encode config: %w", err)
	}
	var config sunsetheaders.Config
	if err := json.Unmarshal(text, &config); err != nil {
		return Version{}, fmt.Errorf("read config: %w", err)
	}
	plan, err := config.Plan()
	return Version{Route: route, Plan: plan, Recorded: config.Observe}, err
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

// ended reports whether the version is past its end.
func (v *Version) ended(now time.Time) bool { return !v.Sunset.IsZero() && !now.Before(v.Sunset) }
