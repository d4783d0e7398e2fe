package devgateway

import (
	"encoding/json"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// configErrors is Kong's answer to an invalid configuration with flatten_errors=1
// (kong/db/errors.lua): the errors by entity, and the errors about the document itself
// by path, of which Kong makes a tree.
func configErrors(invalid *config.Invalid) object {
	rest := object{}
	flattened := []object{}
	byEntity := map[string]object{}
	for _, e := range invalid.Errors {
		at, ok := invalid.Entity(e)
		if !ok {
			rest[e.Path.String()] = e.Message
			continue
		}
		report := byEntity[at.Path.String()]
		if report == nil {
			report = entityReport(at)
			byEntity[at.Path.String()] = report
			flattened = append(flattened, report)
		}
		problems, _ := report["errors"].([]object)
		report["errors"] = append(problems, problem(e, at.Field))
	}
	answer := declarativeError(rest)
	answer["flattened_errors"] = flattened
	return answer
}

// errorTree is Kong's answer without flatten_errors: what is wrong, where it stands in the
// document. A list has nothing at the places where nothing is wrong.
func errorTree(invalid *config.Invalid) object {
	root := object{}
	for _, e := range invalid.Errors {
		at, leaf := e.Path, any(e.Message)
		if e.Entity {
			at, leaf = at.At("@entity"), []any{e.Message}
		}
		if len(at) > 0 {
			root, _ = grow(root, at, leaf).(object)
		}
	}
	return root
}

// grow puts a leaf into a tree. What is wrong with a value as a whole hides what is wrong
// within.
func grow(tree any, path schema.Path, leaf any) any {
	if _, whole := tree.(string); whole || len(path) == 0 {
		return leaf
	}
	switch step := path[0].(type) {
	case int:
		list, _ := tree.([]any)
		for len(list) <= step {
			list = append(list, nil)
		}
		list[step] = grow(list[step], path[1:], leaf)
		return list
	case string:
		fields, ok := tree.(object)
		if !ok {
			fields = object{}
		}
		fields[step] = grow(fields[step], path[1:], leaf)
		return fields
	default:
		return tree
	}
}

// declarativeError is about a whole configuration. Kong too writes the fields into the
// message, as a Lua table.
func declarativeError(fields object) object {
	text, _ := json.Marshal(fields) // texts only
	return object{
		"code":    14,
		"name":    "invalid declarative configuration",
		"message": "declarative config is invalid: " + string(text),
		"fields":  fields,
	}
}

func entityReport(at config.Entity) object {
	report := object{"entity_type": at.Kind, "entity": at.Fields}
	for field, name := range map[string]string{"name": "entity_name", "tags": "entity_tags"} {
		if v, ok := at.Fields[field]; ok {
			report[name] = v
		}
	}
	return report
}

func problem(e schema.Error, field string) object {
	if e.Entity || field == "" {
		return object{"type": "entity", "message": e.Message}
	}
	return object{"type": "field", "field": field, "message": e.Message}
}
