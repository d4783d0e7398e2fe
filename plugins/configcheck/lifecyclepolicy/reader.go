package lifecyclepolicy

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/internal/spelling"
)

// reader reads values, and notes each that is none of those that may stand there.
type reader struct {
	mistakes []Mistake
}

func (r *reader) wrong(at schema.Path, what, fix string) {
	r.mistakes = append(r.mistakes, Mistake{at, what, fix})
}

// known notes the fields that there are not.
func (r *reader) known(at schema.Path, fields map[string]any, names ...string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(names, name) {
			continue
		}
		fix := "there are " + strings.Join(names, ", ")
		if near := spelling.Nearest(name, names, spelling.AnyNumber); near != "" {
			fix = near + "?"
		}
		r.wrong(at.At(name), "no such field", fix)
	}
}

// mapping reads fields, of which there may be those of the names.
func (r *reader) mapping(at schema.Path, value any, names ...string) (map[string]any, bool) {
	fields, ok := value.(map[string]any)
	if !ok {
		r.wrong(at, shown(value)+": expected fields", "write "+names[0]+": VALUE, and so on")
		return nil, false
	}
	r.known(at, fields, names...)
	return fields, true
}

// list reads a list, which has something in it.
func (r *reader) list(at schema.Path, value any, example string) []any {
	list, ok := value.([]any)
	switch {
	case !ok:
		r.wrong(at, shown(value)+": expected a list", "write a line for each, such as - "+example)
	case len(list) == 0:
		r.wrong(at, "an empty list", "write a line for each, such as - "+example+", or take the field out")
	}
	return list
}

// days reads a whole number of days, if one is written.
func (r *reader) days(at schema.Path, fields map[string]any, name string, least int, into *int) {
	value, written := fields[name]
	if !written {
		return
	}
	number, ok := value.(float64)
	if !ok || number != math.Trunc(number) || number < float64(least) || number > maxDays {
		r.wrong(at.At(name), shown(value)+": expected a number of days", fmt.Sprintf("write a whole number from %d to %d, without quotes", least, maxDays))
		return
	}
	*into = int(number)
}

// text reads a text that is not empty.
func (r *reader) text(at schema.Path, fields map[string]any, name, fix string) (string, bool) {
	value, written := fields[name]
	text, ok := value.(string)
	switch {
	case !written:
		r.wrong(at, "there is no "+name, fix)
		return "", false
	case !ok:
		r.wrong(at.At(name), shown(value)+": expected a text", fix)
		return "", false
	case strings.TrimSpace(text) == "":
		r.wrong(at.At(name), "it is empty", fix)
		return "", false
	}
	return text, true
}

// name reads what something is called in findings.
func (r *reader) name(at schema.Path, fields map[string]any, field, example string) string {
	text, _ := r.text(at, fields, field, "write what it is called, such as "+field+": "+example)
	return text
}

// texts reads a list of texts, if one is written.
func (r *reader) texts(at schema.Path, fields map[string]any, name, example string) (texts []string) {
	value, written := fields[name]
	if !written {
		return nil
	}
	for i, item := range r.list(at.At(name), value, example) {
		text, ok := item.(string)
		if !ok || strings.TrimSpace(text) == "" {
			r.wrong(at.At(name, i), shown(item)+": expected a text", "write a name, in quotes if it is a number or such as yes")
		}
		texts = append(texts, text)
	}
	return texts
}

// shown is how a value is written.
func shown(value any) string {
	switch value := value.(type) {
	case nil:
		return "it is empty"
	case string:
		return strconv.Quote(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	case []any:
		return "a list"
	default:
		return "fields"
	}
}
