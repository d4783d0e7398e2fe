package configcheck

import (
	"cmp"
	"fmt"
)

// scopes say which plugins a request on a route meets, but for those of consumers.
type scopes struct {
	plugins []scoped
	routes  []route
}

// scoped is an enabled plugin. Its service and route are where they are in the config;
// without either it is for every request.
type scoped struct {
	where, name string
	route
	config map[string]any
}

// route is one of a service, each by where it is in the config.
type route struct{ service, route string }

func scopesOf(document any) *scopes {
	root, _ := document.(map[string]any)
	var s scopes
	services, routes := map[string]string{}, map[string]string{}
	for i, item := range list(root["services"]) {
		service, _ := item.(map[string]any)
		at := fmt.Sprintf("services[%d]", i)
		index(services, service, at)
		s.addPlugins(at+".", service, func(map[string]any) route { return route{service: at} })
		s.addRoutes(at+".", service, routes, func(map[string]any) string { return at })
	}
	s.addRoutes("", root, routes, func(r map[string]any) string { return services[referred(r["service"])] })
	s.addPlugins("", root, func(p map[string]any) route {
		return route{services[referred(p["service"])], routes[referred(p["route"])]}
	})
	return &s
}

func (s *scopes) addRoutes(path string, of map[string]any, known map[string]string, serviceOf func(route map[string]any) string) {
	for i, item := range list(of["routes"]) {
		fields, _ := item.(map[string]any)
		r := route{serviceOf(fields), fmt.Sprintf("%sroutes[%d]", path, i)}
		index(known, fields, r.route)
		s.routes = append(s.routes, r)
		s.addPlugins(r.route+".", fields, func(map[string]any) route { return route{route: r.route} })
	}
}

func (s *scopes) addPlugins(path string, of map[string]any, scopeOf func(plugin map[string]any) route) {
	for i, item := range list(of["plugins"]) {
		p, _ := item.(map[string]any)
		if p["enabled"] == false || p["consumer"] != nil || p["consumer_group"] != nil {
			continue
		}
		name, _ := p["name"].(string)
		config, _ := p["config"].(map[string]any)
		s.plugins = append(s.plugins, scoped{fmt.Sprintf("%splugins[%d] %s", path, i, name), name, scopeOf(p), config})
	}
}

// index has an entity be found by its name and its id.
func index(known map[string]string, entity map[string]any, at string) {
	for _, field := range []string{"id", "name"} {
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

// on is the plugin of a name that Kong runs on a route, nil if there is none: the one of
// the route goes before that of the service, and that before the one of all.
func (s *scopes) on(r route, name string) *scoped {
	var best *scoped
	rank := -1
	for i := range s.plugins {
		p := &s.plugins[i]
		if p.name != name || p.service != "" && p.service != r.service || p.route.route != "" && p.route.route != r.route {
			continue
		}
		if its := precedence(p.route); its > rank {
			best, rank = p, its
		}
	}
	return best
}

func precedence(of route) (rank int) {
	if of.route != "" {
		rank += 2
	}
	if of.service != "" {
		rank++
	}
	return rank
}
