// Package configdiff says what changes between two declarative configs, by entity and in
// words that a person reads: what changes, and for whom. One of the two may be what a
// gateway writes of itself (GET /config): entities apart from each other, with ids and with
// every default filled in.
package configdiff

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// Config is one of the two.
type Config struct {
	kongyaml.File
	// Shown is the same with its secrets hidden: values of it are printed.
	Shown []byte
}

// Verb is what becomes of an entity.
type Verb string

// The verbs.
const (
	Added   Verb = "+"
	Removed Verb = "-"
	Changed Verb = "~"
)

// Change is one entity that is not the same in both.
type Change struct {
	Verb Verb
	Kind string // as Kong has it: routes, plugins, …
	Name string // of the entity, with whose it is
	// For is whom it touches.
	For string
	// Lines are the fields that change, without secrets.
	Lines []string
}

// Credential reports whether the change is of who may come in, and of nothing else.
func (c Change) Credential() bool { return credentials[c.Kind] }

// credentials are the kinds of entities that say who may come in. A consumer is one; what
// plugins do for it is not.
var credentials = map[string]bool{
	"consumers": true, "acls": true, "basicauth_credentials": true, "hmacauth_credentials": true, "jwt_secrets": true,
	"keyauth_credentials": true, "mtls_auth_credentials": true, "oauth2_credentials": true, "oauth2_tokens": true,
	"oauth2_authorization_codes": true, "keys": true, "key_sets": true,
}

// CredentialsOnly reports whether all changes are of credentials.
func CredentialsOnly(changes []Change) bool {
	return !slices.ContainsFunc(changes, func(c Change) bool { return !c.Credential() })
}

// AnyCredential reports whether one is.
func AnyCredential(changes []Change) bool { return slices.ContainsFunc(changes, Change.Credential) }

// Compare returns what changes from one config to another. shapes say what a gateway fills
// in by kind ("plugins/NAME" for a plugin); without them, what it filled in looks like a
// change.
func Compare(before, after Config, shapes map[string]*Shape) ([]Change, error) {
	old, err := flatten(before, shapes)
	if err != nil {
		return nil, err
	}
	now, err := flatten(after, shapes)
	if err != nil {
		return nil, err
	}
	hashLike(old, now)
	var changes []Change
	for _, key := range slices.Sorted(maps.Keys(old.entities)) {
		if now.entities[key] == nil {
			changes = append(changes, old.change(Removed, old.entities[key], nil))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(now.entities)) {
		was, is := old.entities[key], now.entities[key]
		switch {
		case was == nil:
			changes = append(changes, now.change(Added, is, nil))
		case !reflect.DeepEqual(was.fields, is.fields):
			changes = append(changes, now.change(Changed, is, difference("", pair{was.fields, was.shown}, pair{is.fields, is.shown})))
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return strings.Compare(a.Kind, b.Kind) })
	return changes, nil
}

func (d *document) change(verb Verb, e *entity, lines []string) Change {
	if verb != Changed {
		for _, name := range slices.Sorted(maps.Keys(e.fields)) {
			if !slices.Contains(e.named, name) {
				lines = append(lines, fmt.Sprintf("%s: %s", name, short(e.shown[name])))
			}
		}
	}
	return Change{verb, e.kind, e.name, d.whom(e), lines}
}

// pair is a value and what is shown of it.
type pair struct{ raw, shown any }

// difference are the fields in which two values differ.
func difference(at string, was, is pair) (lines []string) {
	if reflect.DeepEqual(was.raw, is.raw) {
		return nil
	}
	oldMap, oldOK := was.raw.(map[string]any)
	newMap, newOK := is.raw.(map[string]any)
	if oldOK && newOK {
		names := maps.Clone(oldMap)
		maps.Copy(names, newMap)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			lines = append(lines, difference(strings.TrimPrefix(at+"."+name, "."), was.field(name), is.field(name))...)
		}
		return lines
	}
	oldList, oldOK := was.raw.([]any)
	newList, newOK := is.raw.([]any)
	if oldOK && newOK && len(oldList) == len(newList) {
		for i := range oldList {
			lines = append(lines, difference(fmt.Sprintf("%s[%d]", at, i), was.item(i), is.item(i))...)
		}
		return lines
	}
	from, to := short(was.shown), short(is.shown)
	if from == to {
		to += ", another one"
	}
	return []string{fmt.Sprintf("%s: %s → %s", at, from, to)}
}

func (p pair) field(name string) pair {
	raw, _ := p.raw.(map[string]any)
	shown, _ := p.shown.(map[string]any)
	return pair{raw[name], shown[name]}
}

func (p pair) item(i int) pair {
	raw, _ := p.raw.([]any)
	shown, _ := p.shown.([]any)
	return pair{at(raw, i), at(shown, i)}
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// longest is how much of a value is shown, in characters.
const longest = 120

func short(v any) string {
	if v == nil {
		return "the default"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if runes := []rune(string(text)); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return string(text)
}
