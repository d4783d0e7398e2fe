package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Path leads to a value: string keys and int indexes, which count from zero.
type Path []any

// String writes a path as services[0].routes[1].name.
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		}
	}
	return b.String()
}

// At returns the path one step further. It never shares memory with p.
func (p Path) At(steps ...any) Path {
	return append(append(make(Path, 0, len(p)+len(steps)), p...), steps...)
}

// In is what is at the path in a decoded document, nil if there is nothing.
func (p Path) In(value any) any {
	for _, step := range p {
		switch step := step.(type) {
		case string:
			fields, _ := value.(map[string]any)
			value = fields[step]
		case int:
			list, _ := value.([]any)
			if step < 0 || step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// Error is one thing that is wrong, and where.
type Error struct {
	Path    Path
	Message string
	// Entity marks an error of the record as a whole, not of one field.
	Entity bool
	// Because is the condition under which a rule about two fields holds, nil for other rules.
	// The field's own error and the record's both have it.
	Because *Condition
	// Known are the fields that there are, where one is unknown.
	Known []string
}

// Condition is what a rule asks of one field before it asks for another's value.
type Condition struct {
	Field string
	// Match are Kong's attributes of the value, such as {"eq":"calendar"}.
	Match json.RawMessage
}

func (e Error) Error() string {
	if len(e.Path) == 0 {
		return e.Message
	}
	return e.Path.String() + ": " + e.Message
}

// Errors are all things that are wrong; as an error, one line each.
type Errors []Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}
