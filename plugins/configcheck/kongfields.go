package configcheck

import (
	_ "embed"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
)

//go:embed kongfields.txt
var kongFields string

// kongEntity is what Kong knows of a kind of entities.
type kongEntity struct {
	fields schema.Field
	// nested are the lists of other entities that it may have.
	nested []string
}

// names are all fields that an entity may have.
func (k *kongEntity) names() (names []string) {
	for _, f := range k.fields.Fields {
		names = append(names, f.Name)
	}
	return append(names, k.nested...)
}

var kongEntities = sync.OnceValue(func() map[string]*kongEntity {
	kinds := map[string]*kongEntity{}
	refers := map[string][]string{}
	for kind, words := range kongLines(kongFields) {
		if kinds[kind] == nil {
			kinds[kind] = &kongEntity{fields: schema.Field{Type: "record"}}
		}
		addField(&kinds[kind].fields, words[0], words[1])
		if len(words) > 2 {
			refers[words[2]] = append(refers[words[2]], kind)
		}
	}
	for of, lists := range refers {
		slices.Sort(lists)
		kinds[of].nested = slices.Compact(lists)
	}
	return kinds
})

// kongLines are the lines of a file about Kong's entities, in words, each with the kind that
// it stands below.
func kongLines(text string) iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		var kind string
		for line := range strings.Lines(text) {
			words := strings.Fields(line)
			switch {
			case strings.HasPrefix(line, "#"):
			case !strings.HasPrefix(line, " "):
				kind = words[0]
			case !yield(kind, words):
				return
			}
		}
	}
}

// addField adds a field at a path such as healthchecks.active.type or sources[].ip, whose
// outer ones are there.
func addField(in *schema.Field, path, kind string) {
	outer, inner, ok := strings.Cut(path, ".")
	if ok {
		f := in.Fields.Get(strings.TrimSuffix(outer, "[]"))
		if f.Elements != nil {
			f = f.Elements
		}
		addField(f, inner, kind)
		return
	}
	in.Fields = append(in.Fields, schema.Named{Name: path, Field: fieldOf(kind)})
}

// fieldOf is a field of a type. What Kong has other checks of than by its type is anything.
func fieldOf(kind string) *schema.Field {
	list, elements, isList := strings.Cut(kind, ":")
	switch {
	case list == "map" && isList:
		return &schema.Field{Type: list, Keys: fieldOf("string"), Values: fieldOf(elements)}
	case isList:
		return &schema.Field{Type: list, Elements: fieldOf(elements)}
	case kind == "foreign" || kind == "map" || kind == "json":
		return &schema.Field{Type: "any"}
	default:
		return &schema.Field{Type: kind}
	}
}

// anyFields are records whose fields are the business of a plugin or of a vault.
func anyFields(kind, field string) bool {
	return field == "config" || kind == "certificates" && field == "snis"
}

// unknownFields finds fields that Kong's entities do not have. Lists may be those of another
// plugin's entities.
func (p *pass) unknownFields() {
	p.unknownEntities()
	for _, kind := range p.config.Kinds() {
		known := kongEntities()[kind]
		if known == nil {
			continue
		}
		names := known.names()
		for _, e := range p.config.All(kind) {
			for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
				if strings.HasPrefix(name, "_") || name == "ws_id" || slices.Contains(names, name) {
					continue
				}
				p.found(e, at(name), "no such field", fixOfField(name, e.Fields[name], names))
			}
		}
	}
}

func fixOfField(name string, value any, known []string) string {
	if near := nearField(name, known); near != "" {
		return near + "?"
	}
	if gateway.List(value) != nil {
		return "remove it, unless a plugin that you added to Kong has such entities"
	}
	return "there are " + strings.Join(known, ", ")
}

// fieldTypes finds values of fields of Kong's entities that are of another type, and lists of
// entities that are none.
func (p *pass) fieldTypes() {
	for _, kind := range slices.Sorted(maps.Keys(kongEntities())) {
		p.entityList(p.config.Whole, kind)
	}
	for _, kind := range p.config.Kinds() {
		known := kongEntities()[kind]
		if known == nil {
			continue
		}
		for _, e := range p.config.All(kind) {
			for _, field := range known.fields.Fields {
				if !anyFields(kind, field.Name) {
					p.fieldType(e, field)
				}
			}
			for _, list := range known.nested {
				if known.fields.Fields.Get(list) == nil {
					p.entityList(e, list)
				}
			}
		}
	}
}

func (p *pass) fieldType(e *gateway.Entity, field schema.Named) {
	value := schema.Normalize(field.Field, e.Fields[field.Name])
	for _, err := range mistakes(field.Field, value) {
		what, fix := p.shown(e.Path.At(field.Name), field.Field, value, err)
		if kongsecret.Field(e.Kind, steps(field.Name, err.Path)...) {
			what = err.Message
		}
		p.found(e, append(at(field.Name), err.Path...), what, fix)
	}
}

// steps are the names on a path below a field.
func steps(field string, below schema.Path) []string {
	names := []string{field}
	for _, step := range below {
		if name, ok := step.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// entityList finds what is no list of entities where one has to be.
func (p *pass) entityList(in *gateway.Entity, kind string) {
	value, written := in.Fields[kind]
	if !written || value == nil {
		return
	}
	list, isList := value.([]any)
	if fields, isMap := value.(map[string]any); !isList && (!isMap || len(fields) > 0) { // Lua has one empty table
		p.found(in, at(kind), "expected a list of "+kind, "begin each with a dash: - NAME: VALUE")
	}
	for i, item := range list {
		if _, isEntity := item.(map[string]any); !isEntity {
			p.found(in, at(kind, i), fmt.Sprintf("expected fields of one of %s", kind), fixOfItem(kind, item))
		}
	}
}

// fixOfItem says what to write for a name that stands where an entity has to.
func fixOfItem(kind string, item any) string {
	field := map[string]string{"consumers": "username", "plugins": "name", "routes": "name", "services": "name", "upstreams": "name", "targets": "target"}[kind]
	if name, isText := item.(string); isText && field != "" {
		return fmt.Sprintf("write - %s: %s", field, name)
	}
	return "write NAME: VALUE"
}
