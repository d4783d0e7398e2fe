package config

import "maps"

// Entities are a configuration as Kong's Admin API answers it, by kind and id: with the
// defaults, and flat, since what is in another entity refers to it. Certificates are left out.
type Entities map[string]map[string]map[string]any

// unshown are what is an entity by itself, and what Kong makes other fields of, or nothing.
var unshown = []string{"routes", "plugins", "targets", "jwt_secrets", "keyauth_credentials", "acls", "url", "_ignore"}

// show adds an entity of that id to what is answered, in is the kind and the id of the one
// around it.
func (a *assembler) show(kind, id string, e entry, in ...string) {
	fields := maps.Clone(e.fields)
	for _, name := range unshown {
		delete(fields, name)
	}
	if len(in) == 2 {
		fields[in[0]] = map[string]any{"id": in[1]}
	}
	fields["id"], fields["created_at"] = id, a.now
	if len(in) == 0 || in[0] != "consumer" { // credentials are never updated
		fields["updated_at"] = a.now
	}
	if a.config.Entities[kind] == nil {
		a.config.Entities[kind] = map[string]map[string]any{}
	}
	a.config.Entities[kind][id] = fields
}
