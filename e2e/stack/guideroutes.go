package stack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// guideConfig is what a guide needs to know of a declarative config.
type guideConfig struct {
	Services []struct {
		Name    string
		Plugins []guidePlugin
		Routes  []struct {
			Name    string
			Paths   []string
			Methods []string
			Headers map[string][]string
			Plugins []guidePlugin
		}
	}
	Consumers []struct {
		Username string
		Keys     []struct{ Key string } `yaml:"keyauth_credentials"`
		ACLs     []struct{ Group string }
	}
	Plugins []guidePlugin
}

type guidePlugin struct {
	Name   string
	Config struct {
		KeyNames []string `yaml:"key_names"`
		Allow    []string
	}
}

// guideRoute is a route with the plugins that its requests meet.
type guideRoute struct {
	name, service, path, method string
	headers                     []string // that it asks for, "Name: value"
	plugins                     map[string]guidePlugin
	credentials                 []credential
}

// credential is what a consumer may send: a token in a variable of the guide's, or a key.
type credential struct {
	text   string
	groups []string // of the consumer
}

type routeList []guideRoute

// guideRoutes are the routes of a config, in their order.
func guideRoutes(config []byte) (routes routeList, err error) {
	var c guideConfig
	if err := yaml.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("parse declarative config: %w", err)
	}
	credentials := c.credentials()
	for _, s := range c.Services {
		for _, r := range s.Routes {
			if len(r.Paths) == 0 {
				continue
			}
			route := guideRoute{name: r.Name, service: s.Name, path: r.Paths[0], plugins: map[string]guidePlugin{}, credentials: credentials}
			for _, list := range [][]guidePlugin{c.Plugins, s.Plugins, r.Plugins} { // the more special, the later
				for _, p := range list {
					route.plugins[p.Name] = p
				}
			}
			if len(r.Methods) > 0 && !slices.Contains(r.Methods, "GET") {
				route.method = r.Methods[0]
			}
			for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
				if values := r.Headers[name]; len(values) > 0 {
					route.headers = append(route.headers, name+": "+values[0])
				}
			}
			routes = append(routes, route)
		}
	}
	return routes, nil
}

// credentials are those of a config's consumers: the auth service issues tokens for some.
func (c guideConfig) credentials() (all []credential) {
	for _, consumer := range c.Consumers {
		var groups []string
		for _, acl := range consumer.ACLs {
			groups = append(groups, acl.Group)
		}
		for _, client := range devtoken.Clients() {
			if consumer.Username == client+"-app" {
				all = append(all, credential{"$" + strings.ToUpper(client), groups})
			}
		}
		for _, key := range consumer.Keys {
			all = append(all, credential{key.Key, groups})
		}
	}
	return all
}

// withPaths are the first route at each of the paths, without those that there are none for.
func (rs routeList) withPaths(paths []string) (found []guideRoute) {
	for _, path := range paths {
		if i := slices.IndexFunc(rs, func(r guideRoute) bool { return r.path == path }); i >= 0 {
			found = append(found, rs[i])
		}
	}
	return found
}

// shows reports whether the route has what a request of the guide is to show.
func (r guideRoute) shows(request guideRequest) bool {
	return r.has(request.plugin) && (request.credential == "" || slices.Contains(r.takes(), request.credential))
}

// has reports whether requests meet a plugin, by itself or in one hop.
func (r guideRoute) has(plugin string) bool {
	_, apart := r.plugins[plugin]
	_, oneHop := r.plugins["gatehouse"]
	return plugin == "" || apart || oneHop && slices.Contains([]string{sunset, limits, scrub}, plugin)
}

// takes are the credentials that let a request pass the route's plugins.
func (r guideRoute) takes() (texts []string) {
	_, tokens := r.plugins[jwt]
	_, keys := r.plugins["key-auth"]
	acl, groups := r.plugins["acl"]
	for _, c := range r.credentials {
		token := strings.HasPrefix(c.text, "$")
		allowed := !groups || slices.ContainsFunc(acl.Config.Allow, func(g string) bool { return slices.Contains(c.groups, g) })
		if allowed && (token && tokens || !token && keys) {
			texts = append(texts, c.text)
		}
	}
	return texts
}

// request is one for a route of somebody's own.
func (r guideRoute) request() guideRequest {
	command := "curl -i "
	if r.method != "" {
		command += "-X " + r.method + " "
	}
	command += quoted("BASE" + r.path)
	for _, header := range r.headers {
		command += " -H " + quoted(header)
	}
	header, note := r.authorization()
	if header != "" {
		command += ` -H "` + header + `"`
	}
	var plugins []string
	if len(r.plugins) > 0 {
		plugins = []string{", with " + strings.Join(slices.Sorted(maps.Keys(r.plugins)), ", ")}
	}
	look := fmt.Sprintf("Route %s of service %s%s%s.", cmp.Or(r.name, r.path), cmp.Or(r.service, "without a name"), strings.Join(plugins, ""), note)
	return guideRequest{look: look, command: command}
}

// authorization is the header that lets a request pass, and what to say where none is known.
func (r guideRoute) authorization() (header, note string) {
	key, keys := r.plugins["key-auth"]
	_, tokens := r.plugins[jwt]
	takes := r.takes()
	switch {
	case !keys && !tokens:
		return "", ""
	case len(takes) == 0 && tokens:
		return "Authorization: Bearer TOKEN", "; TOKEN is one of a consumer's of yours"
	case len(takes) == 0:
		return keyName(key) + ": KEY", "; KEY is one of a consumer's of yours"
	case strings.HasPrefix(takes[0], "$"):
		return "Authorization: Bearer " + takes[0], ""
	default:
		return keyName(key) + ": " + takes[0], ""
	}
}

// keyName is the header that key-auth looks at.
func keyName(p guidePlugin) string {
	if len(p.Config.KeyNames) > 0 {
		return p.Config.KeyNames[0]
	}
	return "apikey"
}

// quoted is a word of a shell's.
func quoted(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
