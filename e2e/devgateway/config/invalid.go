package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Invalid is a configuration that was understood and refused.
type Invalid struct {
	Errors   schema.Errors
	Document any // what was read, for reports by entity
}

// Error has a line for each thing that is wrong: its path, and the name of the entity
// around it, if that has one.
func (e *Invalid) Error() string {
	lines := make([]string, len(e.Errors))
	for i, one := range e.Errors {
		lines[i] = one.Error()
		if at, ok := e.Entity(one); ok && at.name != "" {
			lines[i] = fmt.Sprintf("%s (%s): %s", one.Path, at.name, one.Message)
		}
	}
	return strings.Join(lines, "\n")
}

// Entity is the entity that an error is about.
type Entity struct {
	Kind   string // such as "route"
	Path   schema.Path
	Fields map[string]any // without the entities that are nested in it
	Field  string         // the one in error, with indexes from one as in Lua; empty for the entity as a whole

	name string // with the kind, of the innermost entity that has a name
}

// Entity finds the innermost entity around an error. There is none for what is
// wrong with the document itself.
func (e *Invalid) Entity(about schema.Error) (Entity, bool) {
	var found Entity
	node := e.Document
	rest := about.Path
	for len(rest) >= 2 {
		kind, isName := rest[0].(string)
		index, isIndex := rest[1].(int)
		if !isName || !isIndex || !isEntity(kind) {
			break
		}
		parent, _ := node.(map[string]any)
		list, _ := parent[kind].([]any)
		if index >= len(list) {
			break
		}
		node, rest = list[index], rest[2:]
		found.Kind, found.Path = strings.TrimSuffix(kind, "s"), about.Path[:len(about.Path)-len(rest)]
		if name := nameOf(node); name != "" {
			found.name = fmt.Sprintf("%s %q", found.Kind, name)
		}
	}
	fields, ok := node.(map[string]any)
	if !ok || found.Kind == "" {
		return Entity{}, false
	}
	found.Fields, found.Field = ownFields(fields), luaPath(rest)
	return found, true
}

func nameOf(node any) string {
	fields, _ := node.(map[string]any)
	for _, field := range []string{"name", "username", "custom_id"} {
		if name, ok := fields[field].(string); ok {
			return name
		}
	}
	return ""
}

func isEntity(kind string) bool {
	return slices.Contains([]string{
		"services", "routes", "upstreams", "targets", "consumers", "plugins", "jwt_secrets", "keyauth_credentials", "acls",
		"certificates", "snis",
	}, kind)
}

func ownFields(entity map[string]any) map[string]any {
	own := make(map[string]any, len(entity))
	for name, value := range entity {
		if !isEntity(name) {
			own[name] = value
		}
	}
	return own
}

func luaPath(path schema.Path) string {
	steps := make([]string, len(path))
	for i, step := range path {
		if index, ok := step.(int); ok {
			step = index + 1
		}
		steps[i] = fmt.Sprint(step)
	}
	return strings.Join(steps, ".")
}
