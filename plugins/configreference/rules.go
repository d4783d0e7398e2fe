package configreference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

var counts = map[string]string{
	"at_least_one_of":    "Write at least one of %s",
	"only_one_of":        "Write exactly one of %s",
	"distinct":           "Write different values in %s",
	"mutually_required":  "Write all of %s, or none",
	"mutually_exclusive": "Write at most one of %s",
}

// rule is what an entity check of the record at path asks for. One that is not known here
// is an error: a reference that leaves out a rule is wrong.
func rule(path string, check schema.EntityCheck) (string, error) {
	for name, arg := range check {
		text, err := ruleOf(path, name, arg)
		if err != nil {
			return "", fmt.Errorf("rule %s of %q: %w", name, path, err)
		}
		return text, nil
	}
	return "", fmt.Errorf("a rule of %q is empty", path)
}

func ruleOf(path, name string, arg json.RawMessage) (string, error) {
	if form, known := counts[name]; known {
		var fields []string
		if err := json.Unmarshal(arg, &fields); err != nil {
			return "", err
		}
		return fmt.Sprintf(form, names(path, fields)) + ".", nil
	}
	if name != "conditional" && name != "conditional_at_least_one_of" {
		return "", fmt.Errorf("it has no words")
	}
	var c struct {
		IfField          string          `json:"if_field"`
		IfMatch          json.RawMessage `json:"if_match"`
		ThenField        string          `json:"then_field"`
		ThenMatch        json.RawMessage `json:"then_match"`
		ThenAtLeastOneOf []string        `json:"then_at_least_one_of"`
	}
	decoder := json.NewDecoder(bytes.NewReader(arg))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return "", err
	}
	condition, err := match(c.IfMatch, ifWords)
	if err != nil {
		return "", err
	}
	where := "Where " + names(path, []string{c.IfField}) + " " + condition + ", "
	if name == "conditional_at_least_one_of" {
		return where + "write at least one of " + names(path, c.ThenAtLeastOneOf) + ".", nil
	}
	then, err := match(c.ThenMatch, thenWords)
	return where + names(path, []string{c.ThenField}) + " " + then + ".", err
}

func names(path string, fields []string) string {
	list := make([]string, len(fields))
	for i, field := range fields {
		list[i] = "`" + join(path, field) + "`"
	}
	return strings.Join(list, ", ")
}

// words say a match: of a field that is given, that is absent, or that has or is something.
type words struct{ given, absent, is, isNot, has string }

var (
	ifWords   = words{"is given", "is absent", "is", "is not", "has"}
	thenWords = words{"is required", "is not allowed", "must be", "must not be", "must have"}
)

func match(raw json.RawMessage, w words) (string, error) {
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		return "", err
	}
	delete(m, "len_min") // it comes with "required": an empty list is none
	if len(m) != 1 {
		return "", fmt.Errorf("%s has no words", raw)
	}
	for attribute, value := range m {
		switch {
		case attribute == "required" && value == true:
			return w.given, nil
		case attribute == "eq" && value == nil:
			return w.absent, nil
		case attribute == "eq":
			return fmt.Sprintf("%s `%v`", w.is, value), nil
		case attribute == "ne":
			return fmt.Sprintf("%s `%v`", w.isNot, value), nil
		case attribute == "contains":
			return fmt.Sprintf("%s `%v`", w.has, value), nil
		}
	}
	return "", fmt.Errorf("%s has no words", raw)
}
