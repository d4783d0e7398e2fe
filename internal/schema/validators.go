package schema

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/gopher-lua/pm"
)

// runValidators runs a field's validators in Kong's order and returns the
// first complaint.
func runValidators(f *Field, value any) string {
	for _, validate := range []func(*Field, any) string{
		validateEquality, validateNumber, validateLength, validateText, validateContent,
	} {
		if msg := validate(f, value); msg != "" {
			return msg
		}
	}
	if f.Check != nil {
		return f.Check(value)
	}
	return ""
}

func validateEquality(f *Field, value any) string {
	switch {
	case f.Eq != nil && value != f.equal():
		return "value must be " + text(f.equal())
	case f.Ne != nil && value == f.Ne:
		return "value must not be " + text(value)
	case f.NotOneOf != nil && contains(f.NotOneOf, value):
		return "must not be one of: " + join(f.NotOneOf)
	case f.OneOf != nil && !contains(f.OneOf, value):
		return "expected one of: " + join(f.OneOf)
	default:
		return ""
	}
}

func validateNumber(f *Field, value any) string {
	n, ok := value.(float64)
	switch {
	case !ok:
		return ""
	case f.Gt != nil && n <= *f.Gt:
		return "value must be greater than " + text(*f.Gt)
	case f.Timestamp && n <= 0:
		return "expected a valid timestamp"
	case len(f.Between) == 2 && (n < f.Between[0] || n > f.Between[1]):
		return fmt.Sprintf("value should be between %d and %d", int64(f.Between[0]), int64(f.Between[1]))
	default:
		return ""
	}
}

func validateLength(f *Field, value any) string {
	n, countable := length(value)
	if !countable {
		return ""
	}
	least := f.LenMin
	if f.Type == "string" && least == nil {
		one := 1 // Kong refuses an empty string unless len_min says otherwise
		least = &one
	}
	switch {
	case f.LenEq != nil && n != *f.LenEq:
		return fmt.Sprintf("length must be %d", *f.LenEq)
	case least != nil && n < *least:
		return fmt.Sprintf("length must be at least %d", *least)
	case f.LenMax != nil && n > *f.LenMax:
		return fmt.Sprintf("length must be at most %d", *f.LenMax)
	default:
		return ""
	}
}

func validateText(f *Field, value any) string {
	s, ok := value.(string)
	if !ok {
		return ""
	}
	switch {
	case f.UUID && !uuidPattern.MatchString(s):
		return "expected a valid UUID"
	case !strings.HasPrefix(s, f.StartsWith):
		return "should start with: " + f.StartsWith
	case f.NotMatch != "" && luaMatch(f.NotMatch, s):
		return "invalid value: " + s
	}
	for _, p := range f.MatchNone {
		if luaMatch(p.Pattern, s) {
			return orElse(p.Err, "invalid value: "+s)
		}
	}
	if f.Match != "" && !luaMatch(f.Match, s) {
		return "invalid value: " + s
	}
	return validatePatterns(f, s)
}

func validatePatterns(f *Field, s string) string {
	for _, p := range f.MatchAll {
		if !luaMatch(p.Pattern, s) {
			return orElse(p.Err, "invalid value: "+s)
		}
	}
	if f.MatchAny == nil {
		return ""
	}
	for _, p := range f.MatchAny.Patterns {
		if luaMatch(p, s) {
			return ""
		}
	}
	return orElse(f.MatchAny.Err, "invalid value: "+s)
}

func validateContent(f *Field, value any) string {
	list, ok := value.([]any)
	if ok && f.Contains != nil && !contains(list, f.Contains) {
		return "expected to contain: " + text(f.Contains)
	}
	return ""
}

var uuidPattern = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// luaMatch matches a Lua pattern; a malformed one matches nothing.
func luaMatch(pattern, s string) bool {
	found, err := pm.Find(pattern, []byte(s), 0, 1)
	return err == nil && len(found) > 0
}

func length(value any) (int, bool) {
	switch value := value.(type) {
	case string:
		return len(value), true
	case []any:
		return len(value), true
	case map[string]any:
		return len(value), true
	default:
		return 0, false
	}
}

// equal is the value that eq asks for.
func (f *Field) equal() any {
	var want any
	if err := json.Unmarshal(f.Eq, &want); err != nil {
		return nil
	}
	return want
}

func contains(list []any, value any) bool {
	for _, v := range list {
		if isScalar(v) && isScalar(value) && v == value {
			return true
		}
	}
	return false
}

func join(list []any) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = text(v)
	}
	return strings.Join(words, ", ")
}

// text writes a value as Lua's tostring does.
func text(value any) string {
	if n, ok := value.(float64); ok {
		return strconv.FormatFloat(n, 'g', 14, 64)
	}
	if value == nil {
		return "null"
	}
	return fmt.Sprint(value)
}
