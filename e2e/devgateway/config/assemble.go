package config

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// assembler builds a Config from a valid document: it numbers the entities,
// resolves references between them, and finds duplicates.
type assembler struct {
	loader *Loader
	config *Config
	errs   schema.Errors
	ids    map[string]bool // kind + id
	keys   map[string]bool // kind + field + value
	now    int64

	services map[string]*Service // by name and id
	routes   map[string]*Route   // by name and id
}

func newAssembler(l *Loader) *assembler {
	return &assembler{
		loader: l,
		config: &Config{
			Upstreams:  map[string]*Upstream{},
			jwtSecrets: map[string]*JWTSecret{},
			keys:       map[string]*KeyAuth{},
		},
		ids: map[string]bool{}, keys: map[string]bool{},
		services: map[string]*Service{}, routes: map[string]*Route{},
		now: l.opts.Now().Unix(),
	}
}

// item is an entity of the document and where it stands.
type item struct {
	raw map[string]any
	at  schema.Path
}

func items(raw map[string]any, kind string, at schema.Path) []item {
	list, _ := raw[kind].([]any)
	out := make([]item, 0, len(list))
	for i, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, item{raw: m, at: at.At(kind, i)})
		}
	}
	return out
}

func (a *assembler) document(root map[string]any) {
	for _, it := range items(root, "upstreams", nil) {
		a.upstream(it)
	}
	services := items(root, "services", nil)
	for _, it := range services {
		a.service(it)
	}
	for _, it := range items(root, "routes", nil) {
		a.route(it, a.serviceRef(it))
	}
	consumers := items(root, "consumers", nil)
	for _, it := range consumers {
		a.consumer(it)
	}
	a.allPlugins(root, services, consumers)
}

// decode fills an entity from its fields, and its id, times and uniqueness.
func decode[T any](a *assembler, it item, kind, id string, meta func(*T) *Meta) *T {
	entity := new(T)
	text, err := json.Marshal(it.raw)
	if err == nil {
		err = json.Unmarshal(text, entity)
	}
	if err != nil {
		a.fail(it.at, err.Error())
	}
	m := meta(entity)
	if m.ID == "" {
		m.ID = id
	}
	if m.CreatedAt == 0 {
		m.CreatedAt = a.now
	}
	m.UpdatedAt = a.now
	if a.ids[kind+m.ID] && (it.raw["id"] != nil || !isNamed(kind)) {
		a.fail(it.at, fmt.Sprintf("uniqueness violation: '%s' entity with primary key set to '%s' already declared", kind, m.ID))
	}
	a.ids[kind+m.ID] = true
	return entity
}

// isNamed tells the kinds whose id comes from their name: for those, unique
// reports a duplicate.
func isNamed(kind string) bool {
	return slices.Contains([]string{"services", "routes", "upstreams", "consumers"}, kind)
}

// unique reports a value that another entity of the kind has already.
func (a *assembler) unique(it item, kind, field, value string) {
	key := kind + " " + field + " " + value
	if value != "" && a.keys[key] {
		a.fail(it.at, fmt.Sprintf("uniqueness violation: '%s' entity with %s set to '%s' already declared", kind, field, value))
	}
	a.keys[key] = true
}

func (a *assembler) fail(at schema.Path, msg string) {
	a.errs = append(a.errs, schema.Error{Path: at, Message: msg})
}

// namedID is the id of an entity whose name is its key.
func namedID(kind string, raw map[string]any, field string) string {
	if name, ok := raw[field].(string); ok {
		return entityID(kind, name)
	}
	return randomID()
}

func (a *assembler) upstream(it item) {
	u := decode(a, it, "upstreams", namedID("upstreams", it.raw, "name"), func(u *Upstream) *Meta { return &u.Meta })
	a.unique(it, "upstreams", "name", u.Name)
	for _, t := range items(it.raw, "targets", it.at) {
		name, _ := t.raw["target"].(string)
		id := entityID("targets", compoundKey("targets", u.ID, name))
		target := decode(a, t, "targets", id, func(t *Target) *Meta { return &t.Meta })
		target.Host, target.Port, _ = splitTarget(target.Target)
		u.Targets = append(u.Targets, target)
	}
	a.config.Upstreams[u.Name] = u
}

func (a *assembler) service(it item) {
	s := decode(a, it, "services", namedID("services", it.raw, "name"), func(s *Service) *Meta { return &s.Meta })
	s.Workspace = DefaultWorkspace
	a.unique(it, "services", "name", s.Name)
	it.raw["id"] = s.ID
	register(a.services, s, s.ID, s.Name)
	a.config.Services = append(a.config.Services, s)
	for _, r := range items(it.raw, "routes", it.at) {
		a.route(r, s)
	}
}

func (a *assembler) route(it item, s *Service) {
	fields := make(map[string]any, len(it.raw))
	for k, v := range it.raw {
		if k != "service" {
			fields[k] = v
		}
	}
	r := decode(a, item{fields, it.at}, "routes", namedID("routes", it.raw, "name"), func(r *Route) *Meta { return &r.Meta })
	r.Workspace = DefaultWorkspace
	a.unique(it, "routes", "name", r.Name)
	if s != nil {
		r.Service, r.ServiceRef = s, &Ref{ID: s.ID}
	}
	it.raw["id"] = r.ID
	register(a.routes, r, r.ID, r.Name)
	a.config.Routes = append(a.config.Routes, r)
}

// register makes an entity known by the keys that it has.
func register[T any](known map[string]*T, entity *T, keys ...string) {
	for _, key := range keys {
		if key != "" {
			known[key] = entity
		}
	}
}

func (a *assembler) serviceRef(it item) *Service {
	name, given := it.raw["service"].(string)
	s := a.services[name]
	if given && s == nil {
		a.noSuch(it, "service", name, "services")
	}
	return s
}

func (a *assembler) noSuch(it item, field, name, kind string) {
	a.fail(it.at.At(field), fmt.Sprintf("invalid reference '%s: %s' (no such entry in '%s')", field, name, kind))
}
