package configreference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// allowed says which values a field takes, from the tightest of what its schema says: the
// choices, the range, the words of Kong's refusal, the length. A pattern itself is for
// programs.
func allowed(f *schema.Field) string {
	said := slices.Concat(choices(f), ranges(f), refusals(f), lengths(f), parts(f))
	if f.Referenceable {
		said = append(said, "or a vault reference")
	}
	return strings.Join(said, "; ")
}

func choices(f *schema.Field) (said []string) {
	if len(f.OneOf) > 0 {
		said = append(said, quoted(f.OneOf))
	}
	if len(f.NotOneOf) > 0 {
		said = append(said, "not "+quoted(f.NotOneOf))
	}
	return said
}

func quoted(values []any) string {
	list := make([]string, len(values))
	for i, value := range values {
		list[i] = fmt.Sprintf("`%v`", value)
	}
	return strings.Join(list, ", ")
}

func ranges(f *schema.Field) (said []string) {
	if len(f.Between) == 2 {
		said = append(said, number(f.Between[0])+" to "+number(f.Between[1]))
	}
	if f.Gt != nil {
		said = append(said, "more than "+number(*f.Gt))
	}
	return said
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// reserved ends what Kong says of a header's name that is not to be written.
const reserved = " is not for a plugin to set"

// refusals are what Kong says of a value that is refused, which is what to write.
func refusals(f *schema.Field) (said []string) {
	var not []string
	add := func(text string) {
		text = strings.TrimPrefix(text, "write ")
		if name, is := strings.CutSuffix(text, reserved); is {
			not = append(not, "`"+name+"`")
		} else if text != "" && !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	if f.Match != "" {
		add(f.Err)
	}
	for _, pattern := range slices.Concat(f.MatchAll, f.MatchNone) {
		add(pattern.Err)
	}
	if f.MatchAny != nil {
		add(f.MatchAny.Err)
	}
	if len(not) > 0 {
		said = append(said, "none of "+strings.Join(not, ", "))
	}
	return said
}

func lengths(f *schema.Field) []string {
	unit := "entries"
	if f.Type == "string" {
		unit = "characters"
	}
	switch {
	case f.LenMin != nil && f.LenMax != nil:
		return []string{fmt.Sprintf("%d to %d %s", *f.LenMin, *f.LenMax, unit)}
	case f.LenMin != nil:
		return []string{fmt.Sprintf("%d or more %s", *f.LenMin, unit)}
	case f.LenMax != nil:
		return []string{fmt.Sprintf("up to %d %s", *f.LenMax, unit)}
	default:
		return nil
	}
}

// parts are the bounds of a list's elements and of a map's keys and values.
func parts(f *schema.Field) (said []string) {
	for _, part := range []struct {
		name string
		*schema.Field
	}{{"each", f.Elements}, {"keys", f.Keys}, {"values", f.Values}} {
		if part.Field == nil {
			continue
		}
		if text := allowed(part.Field); text != "" {
			said = append(said, part.name+": "+text)
		}
	}
	return said
}
