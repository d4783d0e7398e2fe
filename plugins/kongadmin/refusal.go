package kongadmin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// answer is Kong's to a config with mistakes, with flatten_errors=1.
type answer struct {
	Message string
	// Fields are what is wrong with the document as such, as a tree of fields.
	Fields    map[string]any
	Flattened complaints `json:"flattened_errors"`
}

type complaints []complaint

// UnmarshalJSON reads a list, which Kong writes as an object where it is empty.
func (list *complaints) UnmarshalJSON(text []byte) error {
	if string(text) == "{}" {
		return nil
	}
	return json.Unmarshal(text, (*[]complaint)(list))
}

// complaint is all that is wrong with one entity.
type complaint struct {
	Type string         `json:"entity_type"`
	Name string         `json:"entity_name"`
	ID   string         `json:"entity_id"`
	Of   map[string]any `json:"entity"` // with its secrets
	All  []struct {
		Field, Message string
		Messages       []string
	} `json:"errors"`
}

// refusal is Kong's answer in lines. Of an entity there is its name, and no value.
func refusal(body []byte, hide func(string) string) error {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return &Refused{[]string{"it does not say why"}}
	}
	var lines []string
	for _, c := range a.Flattened {
		lines = append(lines, c.lines()...)
	}
	lines = append(lines, leaves("", a.Fields)...)
	if len(lines) == 0 {
		lines = []string{a.Message}
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(hide(lines[i]), "\n", " ")
	}
	slices.Sort(lines) // Kong has them in no order
	return &Refused{slices.Compact(lines)}
}

func (c complaint) lines() (lines []string) {
	for _, e := range c.All {
		where := c.called()
		if e.Field != "" {
			where += ": " + e.Field
		}
		for _, message := range append(e.Messages, e.Message) {
			if message != "" {
				lines = append(lines, where+": "+message)
			}
		}
	}
	return lines
}

// called is the entity's kind and the best name that it has.
func (c complaint) called() string {
	name := c.Name
	for _, field := range []string{"username", "custom_id", "prefix", "target"} {
		text, _ := c.Of[field].(string)
		name = cmp.Or(name, text)
	}
	return c.Type + " " + cmp.Or(name, c.ID, "without a name")
}

// leaves are the texts of a tree, with where they are.
func leaves(path string, of any) (lines []string) {
	switch of := of.(type) {
	case map[string]any:
		for name, value := range of {
			lines = append(lines, leaves(strings.TrimPrefix(path+"."+name, "."), value)...)
		}
	case []any:
		for i, value := range of {
			lines = append(lines, leaves(fmt.Sprintf("%s[%d]", path, i), value)...)
		}
	case string:
		if path == "error" {
			return []string{of}
		}
		return []string{path + ": " + of}
	}
	return lines
}
