package callers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Found is what is recorded of one caller on one route.
type Found struct {
	Caller
	route  keys
	member string
}

// Find is what is recorded of whom a name may be: a username, a custom_id or an id. A
// consumer may call several routes, for several tenants.
func Find(ctx context.Context, client redis.UniversalClient, prefix, name string) (found []Found, err error) {
	sought := Caller{ID: name}.clean().ID // as it would be kept
	routes, err := client.ZRange(ctx, routesKey(prefix), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read which routes were called: %w", err)
	}
	for _, route := range routes {
		k := keysOf(prefix, route)
		err := eachCaller(ctx, client, k, func(member string, fields map[string]string) error {
			if c := callerOf(fields); c != others && slices.ContainsFunc(nameFields, func(is nameField) bool { return is.of(c, sought) }) {
				found = append(found, Found{c, k, member})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read who calls %s: %w", route, err)
		}
	}
	return found, nil
}

// Forget erases what was found. A node that has seen one since its last write writes it
// again, within ten seconds.
func Forget(ctx context.Context, client redis.UniversalClient, found []Found) error {
	for _, f := range found {
		if err := client.Del(ctx, f.route.caller(f.member)).Err(); err != nil {
			return fmt.Errorf("erase a caller: %w", err)
		}
		if err := client.ZRem(ctx, f.route.index, f.member).Err(); err != nil {
			return fmt.Errorf("erase a caller from its route: %w", err)
		}
	}
	return nil
}

// nameField is a field that may have a consumer's name.
type nameField func(Caller) string

var nameFields = []nameField{
	func(c Caller) string { return c.ID },
	func(c Caller) string { return c.Username },
	func(c Caller) string { return c.CustomID },
}

func (is nameField) of(c Caller, name string) bool { return name != "" && is(c) == name }

// SameConsumer is an error where what was found by a name is of more than one consumer:
// Kong lets the username of one be the custom_id of another. It is of one where all have
// the name in the same field, in which Kong lets no second consumer have it, or the same id.
func SameConsumer(found []Found, name string) error {
	name = Caller{ID: name}.clean().ID
	if len(found) == 0 || allHave(found, nameFields[0], found[0].ID) {
		return nil
	}
	for _, is := range nameFields {
		if allHave(found, is, name) {
			return nil
		}
	}
	var who []string
	for _, f := range found {
		if text := f.described(); !slices.Contains(who, text) {
			who = append(who, text)
		}
	}
	slices.Sort(who)
	return fmt.Errorf("%q is more than one consumer: %s; name the one by its id", name, strings.Join(who, ", and "))
}

func allHave(found []Found, is nameField, name string) bool {
	return !slices.ContainsFunc(found, func(f Found) bool { return !is.of(f.Caller, name) })
}

// described is a caller by all that it is called.
func (c Caller) described() string {
	text := "id " + c.ID
	if c.Username != "" {
		text += fmt.Sprintf(" (username %q", c.Username)
	} else {
		text += " (no username"
	}
	if c.CustomID != "" {
		text += fmt.Sprintf(", custom_id %q", c.CustomID)
	}
	return text + ")"
}
