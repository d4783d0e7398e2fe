package configcheck

import (
	"cmp"
	"fmt"
)

// scopes say which plugins a request of a consumer on a route meets.
type scopes struct {
	plugins []scoped
	routes  []route
	// consumers are where they are in the config, by their ids and usernames.
	consumers map[string]string
}

// scoped is an enabled plugin. Its service, route and consumer are where they are in the
// config; without any it is for every request.
type scoped struct {
	where, name string
	route
	consumer string
	config   map[string]any
}

// route is one of a service, each by where it is in the config.
type route struct{ service, route string }

func scopesOf(document any) *scopes {
	root, _ := document.(map[string]any)
	s := scopes{consumers: map[string]string{}}
	services, routes := map[string]string{}, map[string]string{}
	for i, item := range list(root["consumers"]) {
		consumer, _ := item.(map[string]any)
		index(s.consumers, consumer, "username", fmt.Sprintf("consumers[%d]", i))
	}
	for i, item := range list(root["services"]) {
		service, _ := item.(map[string]any)
		at := fmt.Sprintf("services[%d]", i)
		index(services, service, "name", at)
		s.addPlugins(at+".", service, "", func(map[string]any) route { return route{service: at} })
		s.addRoutes(at+".", service, routes, func(map[string]any) string { return at })
	}
	s.addRoutes("", root, routes, func(r map[string]any) string { return services[referred(r["service"])] })
	referredTo := func(p map[string]any) route {
		return route{services[referred(p["service"])], routes[referred(p["route"])]}
	}
	for i, item := range list(root["consumers"]) {
		consumer, _ := item.(map[string]any)
		at := fmt.Sprintf("consumers[%d]", i)
		s.addPlugins(at+".", consumer, at, referredTo)
	}
	s.addPlugins("", root, "", referredTo)
	return &s
}

func (s *scopes) addRoutes(path string, of map[string]any, known map[string]string, serviceOf func(route map[string]any) string) {
	for i, item := range list(of["routes"]) {
		fields, _ := item.(map[string]any)
		r := route{serviceOf(fields), fmt.Sprintf("%sroutes[%d]", path, i)}
		index(known, fields, "name", r.route)
		s.routes = append(s.routes, r)
		s.addPlugins(r.route+".", fields, "", func(map[string]any) route { return route{route: r.route} })
	}
}

// addPlugins adds those of an entity, which are a consumer's if that is not empty.
func (s *scopes) addPlugins(path string, of map[string]any, consumer string, scopeOf func(plugin map[string]any) route) {
	for i, item := range list(of["plugins"]) {
		p, _ := item.(map[string]any)
		if p["enabled"] == false || p["consumer_group"] != nil { // Kong 3.9 without a licence runs none of a group
			continue
		}
		whose := consumer
		if p["consumer"] != nil {
			name := referred(p["consumer"])
			whose = cmp.Or(s.consumers[name], "consumer "+name)
		}
		name, _ := p["name"].(string)
		config, _ := p["config"].(map[string]any)
		s.plugins = append(s.plugins, scoped{fmt.Sprintf("%splugins[%d] %s", path, i, name), name, scopeOf(p), whose, config})
	}
}

// index has an entity be found by its id and its name.
func index(known map[string]string, entity map[string]any, nameField, at string) {
	for _, field := range []string{"id", nameField} {
		if key, _ := entity[field].(string); key != "" {
			known[key] = at
		}
	}
}

// referred is the id or the name that leads to another entity.
func referred(of any) string {
	if name, ok := of.(string); ok {
		return name
	}
	fields, _ := of.(map[string]any)
	id, _ := fields["id"].(string)
	name, _ := fields["name"].(string)
	return cmp.Or(id, name)
}

// on is the plugin of a name that Kong runs for a consumer on a route, nil if there is
// none. Without a consumer it is the one of all that have none of their own.
func (s *scopes) on(r route, consumer, name string) *scoped {
	var best *scoped
	rank := -1
	for i := range s.plugins {
		p := &s.plugins[i]
		if p.name != name || p.service != "" && p.service != r.service || p.route.route != "" && p.route.route != r.route ||
			p.consumer != "" && p.consumer != consumer {
			continue
		}
		if its := p.precedence(); its > rank {
			best, rank = p, its
		}
	}
	return best
}

// precedence is Kong's (kong/runloop/plugins_iterator.lua, lookup_cfg): the route's,
// service's and consumer's; the route's and consumer's; the service's and consumer's; the
// route's and service's; the consumer's; the route's; the service's; the one of all.
func (p *scoped) precedence() (rank int) {
	if p.consumer != "" {
		rank += 4
	}
	if p.route.route != "" {
		rank += 3
	}
	if p.service != "" {
		rank += 2
	}
	return rank
}
