package devgateway

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// configErrors is Kong's answer to an invalid configuration
// (kong/db/errors.lua): a tree, or a list by entity.
func configErrors(invalid *config.Invalid, flat bool) any {
	if !flat {
		return declarativeError(errorTree(invalid.Errors))
	}
	flattened, rest := flatten(invalid)
	answer := declarativeError(errorTree(rest))
	answer["flattened_errors"] = flattened
	return answer
}

func declarativeError(fields object) object {
	return object{
		"code":    14,
		"name":    "invalid declarative configuration",
		"message": "declarative config is invalid: " + pretty(fields),
		"fields":  fields,
	}
}

// errorTree hangs messages where they belong in the document. What concerns a
// whole entity stands under "@entity".
func errorTree(errs schema.Errors) object {
	root := object{}
	for _, e := range errs {
		path := e.Path
		if e.Entity {
			path = path.At("@entity")
		}
		if len(path) == 0 {
			path = schema.Path{"error"}
		}
		addError(root, path, e.Message, e.Entity)
	}
	tree, _ := listsIn(root).(object)
	return tree
}

func addError(node object, path schema.Path, msg string, list bool) {
	key := fmt.Sprint(path[0])
	if i, ok := path[0].(int); ok {
		key = "\x00" + strconv.Itoa(i) // an index; listsIn makes lists of these
	}
	if len(path) > 1 {
		next, ok := node[key].(object)
		if !ok {
			next = object{}
			node[key] = next
		}
		addError(next, path[1:], msg, list)
		return
	}
	if earlier, ok := node[key].([]any); list || ok {
		node[key] = append(earlier, msg)
		return
	}
	node[key] = msg
}

// listsIn turns tables with indexes into lists, in which null stands for an
// entry without errors.
func listsIn(v any) any {
	node, ok := v.(object)
	if !ok {
		return v
	}
	var list []any
	for key, value := range node {
		value = listsIn(value)
		index, isIndex := strings.CutPrefix(key, "\x00")
		if !isIndex {
			node[key] = value
			continue
		}
		i, _ := strconv.Atoi(index)
		for len(list) <= i {
			list = append(list, nil)
		}
		list[i] = value
	}
	if list != nil {
		return list
	}
	return node
}

// pretty writes a tree as Lua's pl.pretty does without spaces.
func pretty(v any) string {
	switch v := v.(type) {
	case object:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			name := key
			if strings.ContainsAny(key, "@.-") {
				name = `["` + key + `"]`
			}
			parts = append(parts, name+"="+pretty(v[key]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		holes := false
		for i, item := range v {
			switch {
			case item == nil:
				holes = true
			case holes:
				parts = append(parts, fmt.Sprintf("[%d]=%s", i+1, pretty(item)))
			default:
				parts = append(parts, pretty(item))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	default:
		return strconv.Quote(fmt.Sprint(v))
	}
}

// flatten groups errors by the entity that they are about; rest are those about
// none.
func flatten(invalid *config.Invalid) (flattened []any, rest schema.Errors) {
	flattened = []any{}
	byEntity := map[string]object{}
	for _, e := range invalid.Errors {
		at, field := entityPath(e.Path)
		entity, ok := entityAt(invalid.Document, at).(object)
		if !ok {
			rest = append(rest, e)
			continue
		}
		report := byEntity[at.String()]
		if report == nil {
			report = entityReport(at, entity)
			byEntity[at.String()] = report
			flattened = append(flattened, report)
		}
		problem := object{"type": "field", "field": field, "message": e.Message}
		if e.Entity || field == "" {
			problem = object{"type": "entity", "message": e.Message}
		}
		problems, _ := report["errors"].([]object)
		report["errors"] = append(problems, problem)
	}
	return flattened, rest
}

// entityPath splits a path into that of the innermost entity and the field in
// it, whose indexes count from one as in Lua.
func entityPath(path schema.Path) (at schema.Path, field string) {
	n := 0
	for n+1 < len(path) {
		kind, isName := path[n].(string)
		_, isIndex := path[n+1].(int)
		if !isName || !isIndex || !isEntity(kind) {
			break
		}
		n += 2
	}
	var steps []string
	for _, step := range path[n:] {
		if i, ok := step.(int); ok {
			step = i + 1
		}
		steps = append(steps, fmt.Sprint(step))
	}
	return path[:n], strings.Join(steps, ".")
}

func isEntity(kind string) bool {
	return slices.Contains([]string{
		"services", "routes", "upstreams", "targets", "consumers", "plugins", "jwt_secrets", "keyauth_credentials", "acls",
	}, kind)
}

func entityAt(doc any, at schema.Path) any {
	if len(at) == 0 {
		return nil
	}
	for _, step := range at {
		switch step := step.(type) {
		case string:
			m, _ := doc.(map[string]any)
			doc = m[step]
		case int:
			list, _ := doc.([]any)
			if step >= len(list) {
				return nil
			}
			doc = list[step]
		}
	}
	return doc
}

// entityReport describes an entity without what is nested in it.
func entityReport(at schema.Path, entity object) object {
	own := object{}
	for k, v := range entity {
		if !isEntity(k) {
			own[k] = v
		}
	}
	kind, _ := at[len(at)-2].(string)
	report := object{"entity_type": strings.TrimSuffix(kind, "s"), "entity": own}
	for field, name := range map[string]string{"name": "entity_name", "id": "entity_id", "tags": "entity_tags"} {
		if v, ok := own[field]; ok {
			report[name] = v
		}
	}
	return report
}
