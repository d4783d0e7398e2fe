package endings

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
)

// Version is an API version that is going to end: a route with its plugin.
type Version struct {
	// Route is the route's name, or its id. Of one that has neither it is what the route
	// matches, and Unnamed.
	Route string
	// Unnamed says that nobody knows under which id Kong has it recorded who calls.
	Unnamed bool
	// Life is as it is for all who have no plugin of their own.
	Life
	own []ownLife
}

// section is sunset-headers' in the config of one hop.
const section = "sunset_headers"

// Unread is a version whose end cannot be read from its config.
type Unread struct {
	Route string `json:"route"`
	// Mistake is what is wrong with it, in one line.
	Mistake string `json:"mistake"`
}

func (u Unread) Error() string {
	return fmt.Sprintf("route %s: %s; gatehouse check says where", u.Route, u.Mistake)
}

// Versions are those of a config, by their routes, and those that cannot be read, which
// Kong runs by what is left of their configs. The error is of a config that is none.
func Versions(document *kongyaml.Document) (list []Version, unread []Unread, err error) {
	c, err := gateway.Read(document)
	if err != nil {
		return nil, nil, err
	}
	r := reader{Config: c, lives: map[*gateway.Plugin]Life{}}
	for _, route := range c.Routes {
		v, err := r.version(route)
		if err != nil {
			unread = append(unread, Unread{v.Route, strings.ReplaceAll(err.Error(), "\n", "; ")})
			continue
		}
		if len(v.lives()) > 0 {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b Version) int { return strings.Compare(a.Route, b.Route) })
	return list, unread, nil
}

// reader reads lives from a config, each once: a consumer's is on all routes.
type reader struct {
	*gateway.Config
	lives map[*gateway.Plugin]Life
}

func (r *reader) version(route gateway.Route) (v Version, err error) {
	v.Route = cmp.Or(route.Text("name"), route.Text("id"))
	if v.Unnamed = v.Route == ""; v.Unnamed {
		v.Route = cmp.Or(matched(route), route.Path.String())
	}
	forAll := r.ending(route, nil)
	if v.Life, err = r.life(forAll); err != nil {
		return v, err
	}
	for _, consumer := range append(slices.Clone(r.Consumers(sunsetheaders.Name)), r.Consumers(gateway.OneHop)...) {
		plugin := r.ending(route, consumer)
		if plugin == forAll {
			continue
		}
		life, err := r.life(plugin)
		if err != nil {
			return v, err
		}
		v.own = append(v.own, ownLife{consumer, life})
	}
	return v, nil
}

// matched is what a route matches, in words: GET orders.example.com /v1.
func matched(route gateway.Route) string {
	var words []string
	for _, field := range []string{"methods", "hosts", "paths"} {
		if texts := gateway.Strings(route.Fields[field]); len(texts) > 0 {
			words = append(words, strings.Join(texts, ","))
		}
	}
	headers := gateway.Map(route.Fields["headers"])
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		words = append(words, name+": "+strings.Join(gateway.Strings(headers[name]), ","))
	}
	return strings.Join(words, " ")
}

// ending is the plugin that ends the version on a route for a consumer, or for those who have
// none of their own; nil if none does.
func (r *reader) ending(route gateway.Route, consumer *gateway.Entity) *gateway.Plugin {
	return r.Running(route, consumer, sunsetheaders.Name, section)
}

func (r *reader) life(of *gateway.Plugin) (Life, error) {
	if of == nil {
		return Life{Plan: goesOn}, nil
	}
	if life, ok := r.lives[of]; ok {
		return life, nil
	}
	fields, _ := of.Section(sunsetheaders.Name, section)
	life, err := lifeOf(fields)
	if err == nil {
		r.lives[of] = life
	}
	return life, err
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

// Only are the versions of these routes; all if none is named. Of one that could not be read
// the error is why.
func Only(list []Version, unread []Unread, routes []string) ([]Version, error) {
	if len(routes) == 0 {
		return list, nil
	}
	var names []string
	for _, v := range list {
		names = append(names, v.Route)
	}
	for _, route := range routes {
		if i := slices.IndexFunc(unread, func(u Unread) bool { return u.Route == route }); i >= 0 {
			return nil, unread[i]
		}
		if !slices.Contains(names, route) {
			return nil, fmt.Errorf("no version that ends is on a route %q%s; there are: %s", route, spelling.DidYouMean(route, names), strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(v Version) bool { return !slices.Contains(routes, v.Route) }), nil
}
