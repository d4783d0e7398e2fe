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
