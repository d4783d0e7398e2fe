// Package gateway is a declarative config as the entities that it has: what is nested in
// what, what refers to what, and which plugins a request meets. It decides nothing, and reads
// no file.
package gateway

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Config is a declarative config.
type Config struct {
	// Document knows where each value is written.
	Document *kongyaml.Document
	// Whole is the config itself, as an entity that all others are nested in.
	Whole *Entity
	// Routes are all of them, with their services.
	Routes []Route
	// Plugins are those that run, with what they are for.
	Plugins []*Plugin
	// Off are those that are not enabled.
	Off []*Plugin

	entities map[string][]*Entity
	byPath   map[string]*Entity
	// byKey are entities by their kinds, and their ids and names.
	byKey     map[[2]string]*Entity
	scoped    map[scope]*Plugin
	names     []string
	consumers map[string][]*Entity
}

// Entity is one of a config's.
type Entity struct {
	// Kind is the list that it is in, such as services; empty for the whole config.
	Kind string
	Path schema.Path
	// Fields are in the values of encoding/json.
	Fields map[string]any
	// Parent is what it is nested in; nil for the whole config.
	Parent *Entity
}

// Read finds the entities of a config. What is none where one should be is left out: Kong
// refuses it.
func Read(document *kongyaml.Document) (*Config, error) {
	fields, err := document.Value()
	if err != nil {
		return nil, err
	}
	c := &Config{Document: document, Whole: &Entity{Fields: fields}, entities: map[string][]*Entity{},
		byPath: map[string]*Entity{}, byKey: map[[2]string]*Entity{}, scoped: map[scope]*Plugin{}, consumers: map[string][]*Entity{}}
	c.read(c.Whole)
	c.relate()
	return c, nil
}

// read adds what is in an entity, and then what is in that: the outer comes first.
func (c *Config) read(in *Entity) {
	var inner []*Entity
	for _, kind := range slices.Sorted(maps.Keys(in.Fields)) {
		if strings.HasPrefix(kind, "_") { // what Kong leaves out
			continue
		}
		for i, item := range List(in.Fields[kind]) {
			if fields, ok := item.(map[string]any); ok {
				e := &Entity{Kind: kind, Path: in.Path.At(kind, i), Fields: fields, Parent: in}
				c.entities[kind] = append(c.entities[kind], e)
				c.byPath[e.Path.String()] = e
				c.index(e)
				inner = append(inner, e)
			}
		}
	}
	for _, e := range inner {
		c.read(e)
	}
}

// All are the entities of a kind, at the top and in others.
func (c *Config) All(kind string) []*Entity { return c.entities[kind] }

// Top are the entities of a kind that are nested in none.
func (c *Config) Top(kind string) []*Entity {
	return slices.DeleteFunc(slices.Clone(c.entities[kind]), func(e *Entity) bool { return e.Parent != c.Whole })
}

// At is the entity at a path, nil if there is none.
func (c *Config) At(path schema.Path) *Entity { return c.byPath[path.String()] }

// Kinds are those of which there are any, in order.
func (c *Config) Kinds() []string { return slices.Sorted(maps.Keys(c.entities)) }

// Find is the entity of a kind that another one names, by its id or its name in a field;
// nil if there is none.
func (c *Config) Find(kind string, reference any) *Entity {
	return c.byKey[[2]string{kind, Referred(reference)}]
}

// index has an entity be found by its id and its name, the first one of two.
func (c *Config) index(e *Entity) {
	for _, key := range []string{e.Text("id"), e.Text(nameField(e.Kind))} {
		if at := [2]string{e.Kind, key}; key != "" && c.byKey[at] == nil {
			c.byKey[at] = e
		}
	}
}

func nameField(kind string) string {
	switch kind {
	case "consumers":
		return "username"
	case "targets":
		return "target"
	default:
		return "name"
	}
}

// Text is a field's, empty if it has none.
func (e *Entity) Text(field string) string {
	text, _ := e.Fields[field].(string)
	return text
}

// Name is what people call the entity, empty if nothing does.
func (e *Entity) Name() string {
	return cmp.Or(e.Text(nameField(e.Kind)), e.Text("custom_id"))
}

// String is where the entity is, and what it is called.
func (e *Entity) String() string {
	if name := e.Name(); name != "" {
		return e.Path.String() + " " + name
	}
	return e.Path.String()
}

// In is the entity of a kind that this one is nested in, nil if there is none.
func (e *Entity) In(kind string) *Entity {
	for outer := e.Parent; outer != nil; outer = outer.Parent {
		if outer.Kind == kind {
			return outer
		}
	}
	return nil
}

// List is a value as a list, nil if it is none.
func List(value any) []any {
	l, _ := value.([]any)
	return l
}

// Strings are the texts of a list.
func Strings(value any) (texts []string) {
	for _, item := range List(value) {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// Map is a value as a mapping, nil if it is none.
func Map(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// Referred is the id or the name that leads to another entity: {id: ID}, {name: NAME}, or
// either alone.
func Referred(of any) string {
	if name, ok := of.(string); ok {
		return name
	}
	fields := Map(of)
	id, _ := fields["id"].(string)
	name, _ := fields["name"].(string)
	return cmp.Or(id, name)
}
