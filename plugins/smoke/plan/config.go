package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// document is what of a declarative config says how a route is asked.
type document struct {
	Services  []service  `json:"services"`
	Routes    []route    `json:"routes"`
	Plugins   []plugin   `json:"plugins"`
	Consumers []consumer `json:"consumers"`
	ACLs      []acl      `json:"acls"`
}

type service struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Enabled *bool    `json:"enabled"`
	Routes  []route  `json:"routes"`
	Plugins []plugin `json:"plugins"`
}

type route struct {
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Protocols  []string            `json:"protocols"`
	Methods    []string            `json:"methods"`
	Hosts      []string            `json:"hosts"`
	Paths      []string            `json:"paths"`
	Headers    map[string][]string `json:"headers"`
	SNIs       []string            `json:"snis"`
	Expression string              `json:"expression"`
	Tags       []string            `json:"tags"`
	Service    reference           `json:"service"`
	Plugins    []plugin            `json:"plugins"`
}

type plugin struct {
	Name     string          `json:"name"`
	Enabled  *bool           `json:"enabled"`
	Config   json.RawMessage `json:"config"`
	Route    reference       `json:"route"`
	Service  reference       `json:"service"`
	Consumer reference       `json:"consumer"`
	Group    reference       `json:"consumer_group"`
}

type consumer struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	CustomID string `json:"custom_id"`
	ACLs     []acl  `json:"acls"`
}

type acl struct {
	Group    string    `json:"group"`
	Consumer reference `json:"consumer"`
}

// reference is the id or the name of another entity, which Kong reads alone or as a
// field of that name.
type reference string

// UnmarshalJSON implements json.Unmarshaler.
func (r *reference) UnmarshalJSON(text []byte) error {
	var name string
	if json.Unmarshal(text, &name) == nil {
		*r = reference(name)
		return nil
	}
	var fields struct{ ID, Name, Username string }
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	for _, value := range []string{fields.ID, fields.Name, fields.Username} {
		if value != "" {
			*r = reference(value)
			return nil
		}
	}
	return nil
}

// to reports whether it leads to an entity of that id or name.
func (r reference) to(id, name string) bool {
	return r != "" && (string(r) == id || string(r) == name)
}

func decode(config []byte) (d document, err error) {
	values, err := kongyaml.Decode(config)
	if err != nil {
		return d, fmt.Errorf("parse declarative config: %w", err)
	}
	text, err := json.Marshal(values)
	if err != nil {
		return d, fmt.Errorf("read declarative config: %w", err)
	}
	err = json.Unmarshal(text, &d)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return d, fmt.Errorf("read declarative config: %s: expected %v, got a %s", wrong.Field, wrong.Type, wrong.Value)
	}
	return d, err
}

// on is the config of the plugin of a name that Kong runs on a route for a client that it
// does not know yet; ok is false if there is none. The route's is before the service's,
// which is before the one of all.
func (d *document) on(s *service, r *route, name string) (config json.RawMessage, ok bool) {
	best := -1
	consider := func(p *plugin, rank int) {
		if p.Name == name && rank > best && (p.Enabled == nil || *p.Enabled) && p.Consumer == "" && p.Group == "" {
			config, ok, best = p.Config, true, rank
		}
	}
	const ofAll, ofService, ofRoute = 0, 2, 3
	for i := range r.Plugins {
		consider(&r.Plugins[i], ofRoute)
	}
	for i := range s.Plugins {
		consider(&s.Plugins[i], ofService)
	}
	for i := range d.Plugins {
		p, rank := &d.Plugins[i], ofAll
		if p.Route != "" {
			rank += ofRoute
		}
		if p.Service != "" {
			rank += ofService
		}
		if (p.Route == "" || p.Route.to(r.ID, r.Name)) && (p.Service == "" || p.Service.to(s.ID, s.Name)) {
			consider(p, rank)
		}
	}
	return config, ok
}

// groups are the ACL groups of a consumer.
func (d *document) groups(c *consumer) (names []string) {
	for _, a := range c.ACLs {
		names = append(names, a.Group)
	}
	for _, a := range d.ACLs {
		if a.Consumer.to(c.ID, c.Username) {
			names = append(names, a.Group)
		}
	}
	return names
}

// admitted are the usernames of the consumers that the acl plugin of a route lets in, of
// all consumers where it has none.
func (d *document) admitted(s *service, r *route) (names []string) {
	var rule struct{ Allow, Deny []string }
	if config, ok := d.on(s, r, "acl"); ok && len(config) > 0 {
		_ = json.Unmarshal(config, &rule) // what is not a list of names admits nobody by it
	}
	for i := range d.Consumers {
		c := &d.Consumers[i]
		in := func(list []string) bool {
			return slices.ContainsFunc(d.groups(c), func(group string) bool { return slices.Contains(list, group) })
		}
		if c.Username != "" && !in(rule.Deny) && (len(rule.Allow) == 0 || in(rule.Allow)) {
			names = append(names, c.Username)
		}
	}
	return names
}
