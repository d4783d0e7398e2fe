package configdiff

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// entity is one of a config's.
type entity struct {
	kind, name string
	// named are the fields that its name has.
	named []string
	// fields are without what a gateway fills in; shown are the same without secrets.
	fields, shown map[string]any
	// consumer is the reference to the one that it is of, as it is written.
	consumer string
}

// document is a config taken apart.
type document struct {
	entities map[string]*entity
	list     []*entity
	names    map[string]string // of entities, by kind and id
	shapes   map[string]*Shape
	hashed   bool // passwords are
}

func flatten(c Config, shapes map[string]*Shape) (*document, error) {
	raw, err := kongyaml.Decode(c.Text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.Name, err)
	}
	shown, err := kongyaml.Decode(c.Shown)
	if err != nil {
		return nil, fmt.Errorf("read %s without its secrets: %w", c.Name, err)
	}
	d := &document{entities: map[string]*entity{}, names: map[string]string{}, shapes: shapes}
	top, _ := raw.(map[string]any)
	hidden, _ := shown.(map[string]any)
	d.hashed = top["_transform"] == false
	for _, kind := range slices.Sorted(maps.Keys(top)) {
		if !strings.HasPrefix(kind, "_") {
			d.collect(kind, pair{top[kind], hidden[kind]}, "", "")
		}
	}
	for _, e := range d.list {
		d.nameByID(e)
	}
	for _, e := range d.list {
		d.finish(e)
	}
	return d, nil
}

// singular are the kinds that others are nested in or refer to, and what a reference to
// one is called.
var singular = map[string]string{
	"services": "service", "routes": "route", "consumers": "consumer", "consumer_groups": "consumer_group",
	"upstreams": "upstream", "certificates": "certificate", "key_sets": "set",
}

// nested are the kinds that are written in others.
var nested = map[string]bool{
	"routes": true, "plugins": true, "targets": true, "snis": true, "acls": true, "basicauth_credentials": true,
	"hmacauth_credentials": true, "jwt_secrets": true, "keyauth_credentials": true, "mtls_auth_credentials": true,
	"oauth2_credentials": true, "oauth2_tokens": true, "keys": true,
}

// collect takes the entities of a list apart from those that they are nested in. owner is
// what those are called, in the field of that name.
func (d *document) collect(kind string, list pair, field, owner string) {
	items, _ := list.raw.([]any)
	for i := range items {
		item := list.item(i)
		raw, _ := item.raw.(map[string]any)
		shown, _ := item.shown.(map[string]any)
		if raw == nil {
			continue
		}
		e := &entity{kind: kind, fields: map[string]any{}, shown: map[string]any{}}
		if field != "" {
			e.fields[field], e.shown[field] = owner, owner
		}
		d.list = append(d.list, e)
		var own string
		for _, name := range slices.Sorted(maps.Keys(raw)) {
			_, isList := raw[name].([]any)
			switch {
			case singular[kind] != "" && nested[name] && isList:
				if own == "" {
					own = ownName(kind, raw)
				}
				d.collect(name, pair{raw[name], shown[name]}, singular[kind], own)
			case kind == "consumers" && name == "groups":
				d.groups(raw, pair{raw[name], shown[name]})
			default:
				e.fields[name], e.shown[name] = raw[name], shown[name]
			}
		}
	}
}

// groups are the groups of a consumer, which a gateway has as entities of their own.
func (d *document) groups(consumer map[string]any, list pair) {
	items, _ := list.raw.([]any)
	for _, item := range items {
		fields := map[string]any{"consumer": ownName("consumers", consumer), "consumer_group": refer(item)}
		d.list = append(d.list, &entity{kind: "consumer_group_consumers", fields: fields, shown: maps.Clone(fields)})
	}
}

// nameFields are those that tell entities of a kind apart.
var nameFields = map[string][]string{
	"services": {"name"}, "routes": {"name"}, "upstreams": {"name"}, "consumers": {"username"}, "consumer_groups": {"name"},
	"vaults": {"prefix"}, "snis": {"name"}, "keys": {"name"}, "key_sets": {"name"},
	"targets": {"upstream", "target"}, "acls": {"consumer", "group"}, "basicauth_credentials": {"consumer", "username"},
	"hmacauth_credentials": {"consumer", "username"}, "jwt_secrets": {"consumer", "key"}, "oauth2_credentials": {"consumer", "client_id"},
	"consumer_group_consumers": {"consumer", "consumer_group"},
}

// hashFields are those that tell entities apart which have no name: what is shown is a part
// of their hash.
var hashFields = map[string]string{"keyauth_credentials": "key", "certificates": "cert", "ca_certificates": "cert"}

func ownName(kind string, fields map[string]any) string {
	for _, name := range append(slices.Clone(nameFields[kind]), "custom_id", "id") {
		if text, _ := fields[name].(string); text != "" {
			return text
		}
	}
	if field := hashFields[kind]; field != "" {
		return fingerprint(fields[field])
	}
	return fingerprint(fields)
}

// fingerprint tells values apart, and says nothing of them.
func fingerprint(v any) string {
	text, _ := json.Marshal(v) // what came from YAML
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

func (d *document) nameByID(e *entity) {
	if id, _ := e.fields["id"].(string); id != "" && singular[e.kind] != "" {
		d.names[singular[e.kind]+" "+id] = ownName(e.kind, e.fields)
	}
}

// filledIn are the fields that a gateway writes by itself.
var filledIn = []string{"id", "created_at", "updated_at", "ws_id", "_comment", "_ignore"}

// finish gives an entity its name, and leaves out what says nothing.
func (d *document) finish(e *entity) {
	e.consumer = refer(e.fields["consumer"])
	for name := range e.fields {
		if isReference(name) {
			e.fields[name] = d.resolve(name, e.fields[name])
			e.shown[name] = e.fields[name]
		}
	}
	name, named := nameOf(e)
	for _, field := range filledIn {
		delete(e.fields, field)
		delete(e.shown, field)
	}
	if e.kind == "services" {
		e.fields, e.shown = withoutURL(e.fields), withoutURL(e.shown)
	}
	shape := d.shapes[e.kind]
	if plugin, _ := e.fields["name"].(string); e.kind == "plugins" {
		shape = d.shapes["plugins/"+plugin].With(d.shapes["plugins"])
	}
	p := shape.strip(pair{e.fields, e.shown})
	e.fields, _ = p.raw.(map[string]any)
	e.shown, _ = p.shown.(map[string]any)
	key := e.kind + " " + name
	for n := 2; d.entities[key] != nil; n++ {
		key = fmt.Sprintf("%s %s (%d)", e.kind, name, n)
	}
	e.name, e.named = strings.TrimPrefix(key, e.kind+" "), named
	d.entities[key] = e
}

func nameOf(e *entity) (name string, named []string) {
	if e.kind == "plugins" {
		return pluginName(e)
	}
	var parts []string
	for _, field := range nameFields[e.kind] {
		text, _ := e.fields[field].(string)
		if text == "" {
			break
		}
		parts, named = append(parts, text), append(named, field)
	}
	if len(parts) > 0 && len(parts) == len(nameFields[e.kind]) {
		return strings.Join(parts, " "), named
	}
	if field := hashFields[e.kind]; field != "" {
		owner, _ := e.fields["consumer"].(string)
		return strings.TrimSpace(owner + " #" + fingerprint(e.fields[field])), []string{"consumer", field}
	}
	if paths := e.fields["paths"]; paths != nil {
		return fmt.Sprintf("without a name, paths %s hosts %s", short(paths), short(e.fields["hosts"])), nil
	}
	bare := maps.Clone(e.fields)
	for _, field := range filledIn {
		delete(bare, field)
	}
	return "without a name, #" + fingerprint(bare), nil
}

// pluginName tells plugins apart by their instance_name, or by name and scope.
func pluginName(e *entity) (name string, named []string) {
	name, _ = e.fields["name"].(string)
	named = []string{"name"}
	if instance, _ := e.fields["instance_name"].(string); instance != "" {
		return fmt.Sprintf("%s %s", name, instance), append(named, "instance_name")
	}
	for _, scope := range []string{"route", "service", "consumer", "consumer_group"} {
		if owner, _ := e.fields[scope].(string); owner != "" {
			name += fmt.Sprintf(" of %s %s", scope, owner)
			named = append(named, scope)
		}
	}
	return name, named
}

func isReference(field string) bool {
	return slices.Contains(slices.Collect(maps.Values(singular)), field)
}

func (d *document) resolve(field string, ref any) any {
	text := refer(ref)
	if text == "" {
		return nil
	}
	if name := d.names[field+" "+text]; name != "" {
		return name
	}
	return text
}

// refer is the name or id in a reference.
func refer(ref any) string {
	if fields, ok := ref.(map[string]any); ok {
		for _, name := range []string{"name", "username", "id"} {
			if text, _ := fields[name].(string); text != "" {
				return text
			}
		}
		return ""
	}
	text, _ := ref.(string)
	return text
}

// withoutURL has the fields that a service's url stands for.
func withoutURL(fields map[string]any) map[string]any {
	text, _ := fields["url"].(string)
	u, err := url.Parse(text)
	if text == "" || err != nil {
		return fields
	}
	fields = maps.Clone(fields)
	delete(fields, "url")
	fields["protocol"], fields["host"] = u.Scheme, u.Hostname()
	fields["port"] = float64(map[bool]int{true: 443, false: 80}[u.Scheme == "https"])
	if port, err := strconv.Atoi(u.Port()); err == nil {
		fields["port"] = float64(port)
	}
	if u.Path != "" {
		fields["path"] = u.Path
	}
	return fields
}

// Kinds are the kinds of entities in a config, and each of its plugins as "plugins/NAME".
func Kinds(c Config) ([]string, error) {
	d, err := flatten(c, nil)
	if err != nil {
		return nil, err
	}
	var kinds []string
	for _, e := range d.list {
		kinds = append(kinds, e.kind)
		if name, _ := e.fields["name"].(string); e.kind == "plugins" {
			kinds = append(kinds, "plugins/"+name)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), nil
}
