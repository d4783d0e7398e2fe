package configcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// formatVersions are those that Kong 3.9 reads.
var formatVersions = []string{"1.1", "2.1", "3.0"}

// formatVersion finds a config that does not say in which format it is. One that says it in
// anything but a string cannot be read.
func (p *pass) formatVersion() {
	const field = "_format_version"
	switch version := p.config.Whole.Text(field); {
	case version == "":
		p.found(p.config.Whole, nil, "there is no "+field, `write _format_version: "3.0"`)
	case !slices.Contains(formatVersions, version):
		p.found(p.config.Whole, at(field), fmt.Sprintf("%q: expected one of: %s", version, strings.Join(formatVersions, ", ")), `write "3.0"`)
	}
}

// topLevel are the fields of a config that Kong 3.9.1 takes: its own, and its lists of
// entities, those of its bundled plugins among them.
var topLevel = []string{
	"_comment", "_format_version", "_ignore", "_transform",
	"acls", "acme_storage", "basicauth_credentials", "ca_certificates", "certificates", "clustering_data_planes", "consumers", "filter_chains",
	"hmacauth_credentials", "jwt_secrets", "keyauth_credentials", "keys", "key_sets", "oauth2_authorization_codes", "oauth2_credentials",
	"oauth2_tokens", "parameters", "plugins", "ratelimiting_metrics", "routes", "services", "sessions", "snis", "targets", "upstreams", "vaults",
	"workspaces",
}

// unknownEntities finds lists of what Kong does not know. Another plugin may bring some.
func (p *pass) unknownEntities() {
	for _, field := range slices.Sorted(maps.Keys(p.config.Whole.Fields)) {
		if slices.Contains(topLevel, field) {
			continue
		}
		fix := "remove it, unless a plugin that you added to Kong has such entities"
		if near := spelling.Nearest(field, topLevel, spelling.AnyNumber); near != "" {
			fix = near + "?"
		}
		p.found(p.config.Whole, at(field), "Kong has no such field, and refuses the whole config", fix)
	}
}

// unique are the fields of which no two entities of a kind may have the same.
var unique = []struct {
	kind   string
	fields []string
}{
	{"services", []string{"id", "name"}}, {"routes", []string{"id", "name"}}, {"upstreams", []string{"id", "name"}},
	{"consumers", []string{"id", "username", "custom_id"}}, {"snis", []string{"id", "name"}}, {"vaults", []string{"id", "prefix"}},
	{"keys", []string{"id", "name"}}, {"key_sets", []string{"id", "name"}},
	{"certificates", []string{"id"}}, {"ca_certificates", []string{"id"}}, {"plugins", []string{"id"}}, {"targets", []string{"id"}},
}

// sameNames finds two entities of a kind with one name, or one id, wherever they are nested.
func (p *pass) sameNames() {
	for _, of := range unique {
		for _, field := range of.fields {
			p.twice(of.kind, field, func(e *gateway.Entity) string { return e.Text(field) })
		}
	}
	p.twice("targets", "target", targetKey)
}

// twice finds entities whose key, of a field, an earlier one of their kind has. An empty key
// is none.
func (p *pass) twice(kind, field string, key func(*gateway.Entity) string) {
	first := map[string]*gateway.Entity{}
	for _, e := range p.config.All(kind) {
		switch before := first[key(e)]; {
		case key(e) == "":
		case before == nil:
			first[key(e)] = e
		default:
			p.found(e, at(field), fmt.Sprintf("%q is also that of %s", e.Text(field), before.Path), "give each "+strings.TrimSuffix(kind, "s")+" its own, or take one out")
		}
	}
}

// targetKey is what Kong makes the id of a target of that has none: the upstream, as it is
// named, or nested in, and the address. Two that have ids of their own are taken.
func targetKey(e *gateway.Entity) string {
	if e.Text("id") != "" || e.Text("target") == "" {
		return ""
	}
	return fmt.Sprintf("%s %q %q", e.Parent.Path, gateway.Referred(e.Fields["upstream"]), e.Text("target"))
}
