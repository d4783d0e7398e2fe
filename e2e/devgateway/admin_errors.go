package devgateway

import (
	"encoding/json"
	"fmt"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// configErrors is Kong's answer to an invalid configuration with flatten_errors=1
// (kong/db/errors.lua): the errors by entity, and a table of those about none.
func configErrors(invalid *config.Invalid) object {
	rest := object{}
	flattened := []object{}
	byEntity := map[string]object{}
	for _, e := range invalid.Errors {
		at, ok := invalid.Entity(e)
		if !ok {
			hang(rest, e.Path, e.Message)
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

// declarativeError is about a whole configuration. Kong writes the fields into the
// message too, as a Lua table.
func declarativeError(fields object) object {
	text, _ := json.Marshal(fields) // texts, lists and objects
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

// hang puts a message where it belongs in the document, and returns the node. A
// list has null for what is right in it.
func hang(node any, path schema.Path, msg string) any {
	if len(path) == 0 {
		return msg
	}
	switch step := path[0].(type) {
	case int:
		list, _ := node.([]any)
		for len(list) <= step {
			list = append(list, nil)
		}
		list[step] = hang(list[step], path[1:], msg)
		return list
	default:
		table, ok := node.(object)
		if !ok {
			table = object{}
		}
		key := fmt.Sprint(step)
		table[key] = hang(table[key], path[1:], msg)
		return table
	}
}
