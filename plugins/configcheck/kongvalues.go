package configcheck

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

//go:embed kongvalues.txt
var kongValues string

// valueRule is what Kong asks of a value: one of a field's, or some field to be there.
type valueRule struct {
	// path leads to the field, with "[]" for each element of a list and "{}" for each name in
	// a map.
	path []string
	kind string
	args []string
}

var valueRules = sync.OnceValue(func() map[string][]valueRule {
	rules := map[string][]valueRule{}
	for kind, words := range kongLines(kongValues) {
		if words[0] == "some" {
			rules[kind] = append(rules[kind], valueRule{kind: "some", args: words[1:]})
			continue
		}
		path := strings.Split(strings.NewReplacer("[]", ".[]", "{}", ".{}").Replace(words[0]), ".")
		rules[kind] = append(rules[kind], valueRule{path, words[1], words[2:]})
	}
	return rules
})

// fieldValues finds values that are of their field's type, and not what Kong takes there.
func (p *pass) fieldValues() {
	for _, kind := range p.config.Kinds() {
		for _, e := range p.config.All(kind) {
			for _, rule := range valueRules()[kind] {
				p.fieldValue(e, rule)
			}
			p.together(kind, e)
		}
	}
}

func (p *pass) fieldValue(e *gateway.Entity, rule valueRule) {
	switch rule.kind {
	case "some":
		if !slices.ContainsFunc(rule.args, func(field string) bool { return e.Fields[field] != nil }) && !p.slipped(e, rule.args) {
			p.found(e, nil, "there is no "+strings.Join(rule.args, " or "), "write one of them")
		}
	case "required":
		if field := rule.path[0]; e.Fields[field] == nil && !nestedIn(e, field+"s") && !p.slipped(e, []string{field}) {
			p.found(e, at(field), "required field missing", "write it")
		}
	default:
		each(e.Fields, rule.path, nil, func(below schema.Path, value any) {
			if what, fix := rule.wrong(value); what != "" {
				text, _ := p.scalar(e.Path.At(below...), value)
				p.found(e, below, text+": "+what, fix)
			}
		})
	}
}

// nestedIn reports whether an entity is in one of a kind, or of one that Kong does not have,
// which may be that kind with a slip.
func nestedIn(e *gateway.Entity, kind string) bool {
	outer := e.Parent.Kind
	return outer == kind || outer != "" && kongEntities()[outer] == nil
}

// slipped reports whether one of the fields that are missing is there, with a slip in its name.
func (p *pass) slipped(e *gateway.Entity, missing []string) bool {
	known := kongEntities()[e.Kind]
	if known == nil {
		return false
	}
	names := known.names()
	for name := range e.Fields {
		if !slices.Contains(names, name) && slices.Contains(missing, nearField(name, names)) {
			return true
		}
	}
	return false
}

// each calls a function with the values that a path leads to.
func each(value any, path []string, below schema.Path, do func(schema.Path, any)) {
	switch {
	case len(path) == 0:
		do(below, value)
	case path[0] == "[]":
		for i, item := range gateway.List(value) {
			each(item, path[1:], below.At(i), do)
		}
	case path[0] == "{}":
		for _, name := range slices.Sorted(maps.Keys(gateway.Map(value))) {
			each(name, path[1:], below.At(name), do)
		}
	default:
		if inner := gateway.Map(value)[path[0]]; inner != nil {
			each(inner, path[1:], below.At(path[0]), do)
		}
	}
}

// wrong says what is wrong with a value, nothing of one of another type than the field's: that
// is another rule's.
func (r valueRule) wrong(value any) (what, fix string) {
	number, isNumber := value.(float64)
	text, isText := value.(string)
	if schema.IsReference(value) || text == "" && isText {
		return "", ""
	}
	switch {
	case r.kind == "between" && isNumber:
		least, _ := strconv.ParseFloat(r.args[0], 64)
		if most, _ := strconv.ParseFloat(r.args[1], 64); number < least || number > most {
			return fmt.Sprintf("value should be between %s and %s", r.args[0], r.args[1]), "write a number from " + r.args[0] + " to " + r.args[1]
		}
	case r.kind == "one_of" && (isText || isNumber):
		if !slices.Contains(r.args, fmt.Sprint(value)) {
			fix := "write one of them"
			if near := spelling.Nearest(text, r.args, spelling.AnyNumber); isText && near != "" {
				fix = near + "?"
			}
			return "expected one of: " + strings.Join(r.args, ", "), fix
		}
	case r.kind == "is" && isText:
		what, fix, _ = strings.Cut(shapes[r.args[0]](text), "; ")
	}
	return what, fix
}
