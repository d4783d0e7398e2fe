package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// references are the fields of top-level entities that name others. The dev gateway does not
// support those entities, and Kong refuses them if there is nobody of that name.
var references = []struct{ kind, field, others, by string }{
	{"routes", "service", "services", "name"},
	{"plugins", "service", "services", "name"},
	{"plugins", "route", "routes", "name"},
	{"plugins", "consumer", "consumers", "username"},
	{"targets", "upstream", "upstreams", "name"},
}

// danglingReferences are those that lead nowhere, whether the dev gateway supports what
// has them or not: no gateway runs that.
func danglingReferences(doc map[string]any) (errs schema.Errors) {
	for _, r := range references {
		names := namesOf(doc, r.others, r.by)
		for i, item := range items(doc, r.kind) {
			name, ok := referred(item[r.field], r.by)
			if !ok || slices.Contains(names, name) {
				continue
			}
			errs = append(errs, schema.Error{Path: schema.Path{r.kind, i, r.field}, Message: fmt.Sprintf(
				"there is no %q among the %s (%s); write one of their names, or add it", name, r.others, strings.Join(names, ", "))})
		}
	}
	return errs
}

// oneEach are references that lead nowhere and all else that is wrong. Of one that is not
// supported either, one error says both.
func oneEach(dangling, others schema.Errors) schema.Errors {
	for i, d := range dangling {
		same := slices.IndexFunc(others, func(e schema.Error) bool { return slices.Equal(e.Path, d.Path) })
		if same >= 0 {
			what, _, _ := strings.Cut(d.Message, "; ")
			dangling[i].Message = what + ", and " + others[same].Message
			others = slices.Delete(others, same, same+1)
		}
	}
	return append(dangling, others...)
}

// items are the entities of a kind in a document or an entity.
func items(parent map[string]any, kind string) []map[string]any {
	list, _ := parent[kind].([]any)
	all := make([]map[string]any, len(list))
	for i, item := range list {
		all[i], _ = item.(map[string]any)
	}
	return all
}

// namesOf are the names and ids of a kind; routes are in services, too.
func namesOf(doc map[string]any, kind, by string) (names []string) {
	all := items(doc, kind)
	if kind == "routes" {
		for _, service := range items(doc, "services") {
			all = append(all, items(service, kind)...)
		}
	}
	for _, item := range all {
		for _, field := range []string{by, "id"} {
			if name, ok := item[field].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// referred is the name or id that a foreign key has.
func referred(key any, by string) (name string, ok bool) {
	if name, ok = key.(string); ok {
		return name, true
	}
	fields, _ := key.(map[string]any)
	for _, field := range []string{by, "id"} {
		if name, ok = fields[field].(string); ok {
			return name, true
		}
	}
	return "", false
}
