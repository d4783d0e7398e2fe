// Package kongsecret knows which values of a declarative config are secrets: private
// keys, what credentials are proved by, and what plugins' schemas say may be in a vault
// or encrypted. Public keys, certificates and vault references are none.
package kongsecret

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Hidden is what stands in the place of a secret.
const Hidden = "(hidden)"

// Finder finds secrets.
type Finder struct {
	configs map[string]*schema.Field
}

// New makes a finder that knows the configs of some plugins by their schemas. Of others
// it takes for secret what the plugins that come with Kong 3.9 have as such, and what is
// called like one.
func New(configs map[string]*schema.Field) *Finder { return &Finder{configs} }

// Hide is a config with its secrets hidden, and without comments, which may hold some.
func (f *Finder) Hide(config kongyaml.File) ([]byte, error) {
	document, err := config.Parse()
	if err != nil {
		return nil, err
	}
	f.document(document, func(secret *yaml.Node) {
		secret.Value, secret.Tag, secret.Style = Hidden, "!!str", yaml.DoubleQuotedStyle
	})
	withoutComments(document)
	return kongyaml.Format(document)
}

// Each calls found for each value of a document that may be a secret.
func (f *Finder) Each(document *yaml.Node, found func(secret *yaml.Node)) {
	f.document(document, found)
}

// Values are the secrets of a config.
func (f *Finder) Values(config kongyaml.File) ([]string, error) {
	document, err := config.Parse()
	if err != nil {
		return nil, err
	}
	return f.values(document), nil
}

func (f *Finder) values(document *yaml.Node) (values []string) {
	f.document(document, func(secret *yaml.Node) { values = append(values, secret.Value) })
	return values
}

// Replacer returns what hides the secrets of a config in other text, such as what Kong
// says of it. Of secrets that begin alike the longest is taken. What Kong leaves out of a
// config it says nothing of.
func (f *Finder) Replacer(config kongyaml.File) (func(text string) string, error) {
	document, err := config.Parse()
	if err != nil {
		return nil, err
	}
	withoutAside(document)
	values := f.values(document)
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		if value != "" {
			pairs = append(pairs, value, Hidden)
		}
	}
	return strings.NewReplacer(pairs...).Replace, nil
}

// secrets are the fields of entities that are, of the entities that Kong 3.9.1 has.
var secrets = map[string][]string{
	"acls": nil, "ca_certificates": nil, "consumer_groups": nil, "consumers": nil, "key_sets": nil, "parameters": nil, "plugins": nil,
	"routes": nil, "services": nil, "snis": nil, "targets": nil, "upstreams": nil, "vaults": nil, "workspaces": nil,

	"acme_storage":               {"value"},
	"basicauth_credentials":      {"password"},
	"certificates":               {"key", "key_alt"},
	"hmacauth_credentials":       {"secret"},
	"jwt_secrets":                {"secret"},
	"keyauth_credentials":        {"key"},
	"keys":                       {"jwk"},
	"oauth2_authorization_codes": {"code"},
	"oauth2_credentials":         {"client_secret"},
	"oauth2_tokens":              {"access_token", "refresh_token"},
	"sessions":                   {"data"},
}

// Field reports whether a field of an entity, or one of the records in it, is a secret. Of a
// plugin's config the plugin's schema says so.
func Field(kind string, path ...string) bool {
	return len(path) > 0 && (slices.Contains(secrets[kind], path[0]) || slices.ContainsFunc(path[1:], secretName))
}

// aside are fields that Kong leaves out: comments, and what only anchors in it lead to.
var aside = []string{"_comment", "_ignore"}

func (f *Finder) document(m *yaml.Node, found func(*yaml.Node)) {
	f.entity("", m, found)
}

// entity looks through one of a kind, or a document, and those that are nested in it: a
// list of mappings is of entities that are called as it is, if Kong has such.
func (f *Finder) entity(kind string, m *yaml.Node, found func(*yaml.Node)) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		field, value := m.Content[i].Value, m.Content[i+1]
		switch {
		case slices.Contains(secrets[kind], field), slices.Contains(aside, field):
			scalars(value, found)
		case field == "config" && kind == "plugins":
			f.plugin(text(m, "name"), value, found)
		case field == "config":
			called(value, found)
		default:
			f.nested(field, value, found)
		}
	}
}

func (f *Finder) nested(kind string, value *yaml.Node, found func(*yaml.Node)) {
	_, known := secrets[kind]
	if !known || value.Kind != yaml.SequenceNode {
		called(value, found)
		return
	}
	for _, item := range value.Content {
		if item.Kind == yaml.MappingNode {
			f.entity(kind, item, found)
		} else {
			called(item, found)
		}
	}
}

func (f *Finder) plugin(name string, config *yaml.Node, found func(*yaml.Node)) {
	if known := f.configs[name]; known != nil {
		bySchema(known, config, found)
		return
	}
	byPath(bundled[name], "", config, found)
}

// byPath finds what is at the paths that are known, and what is called like a secret.
func byPath(paths []string, at string, value *yaml.Node, found func(*yaml.Node)) {
	if value.Kind != yaml.MappingNode {
		called(value, found)
		return
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		name, inner := value.Content[i].Value, value.Content[i+1]
		switch path := at + name; {
		case slices.Contains(paths, path), secretName(name) && !isAuth(name, inner):
			scalars(inner, found)
		default:
			byPath(paths, path+".", inner, found)
		}
	}
}

// isAuth reports whether a field is a record about how to authenticate, which has fields
// of its own that are called by what they are.
func isAuth(name string, value *yaml.Node) bool {
	return value.Kind == yaml.MappingNode && strings.EqualFold(name, "auth")
}

// bySchema finds what a schema lets be in a vault, or has encrypted.
func bySchema(f *schema.Field, value *yaml.Node, found func(*yaml.Node)) {
	switch {
	case f == nil: // not in the schema: Kong refuses it
		scalars(value, found)
	case f.Referenceable || f.Encrypted:
		scalars(value, found)
	case value.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(value.Content); i += 2 {
			inner := f.Values
			if inner == nil {
				inner = f.Fields.Get(value.Content[i].Value)
			}
			bySchema(inner, value.Content[i+1], found)
		}
	case value.Kind == yaml.SequenceNode:
		for _, item := range value.Content {
			bySchema(f.Elements, item, found)
		}
	default:
		unmistakable(value, found)
	}
}

// called finds what is called like a secret, in a value whose schema is not known.
func called(value *yaml.Node, found func(*yaml.Node)) {
	switch value.Kind {
	case yaml.MappingNode:
		byPath(nil, "", value, found)
	case yaml.SequenceNode:
		for _, item := range value.Content {
			called(item, found)
		}
	default:
		unmistakable(value, found)
	}
}

// scalars finds all that a value has in it, but for references and what is no text.
func scalars(value *yaml.Node, found func(*yaml.Node)) {
	if value.Kind != yaml.ScalarNode {
		for i, item := range value.Content {
			if value.Kind != yaml.MappingNode || i%2 == 1 { // keys are names
				scalars(item, found)
			}
		}
		return
	}
	switch {
	case value.Value == "", value.Tag == "!!null", value.Tag == "!!bool", schema.IsReference(value.Value):
	default:
		found(value)
	}
}

// unmistakable finds what is a secret wherever it stands.
func unmistakable(value *yaml.Node, found func(*yaml.Node)) {
	if unmistakableText(value.Value) {
		found(value)
	}
}

func withoutComments(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, item := range n.Content {
		withoutComments(item)
	}
}

// withoutAside takes out what Kong leaves out.
func withoutAside(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		kept := n.Content[:0:0]
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !slices.Contains(aside, n.Content[i].Value) {
				kept = append(kept, n.Content[i], n.Content[i+1])
			}
		}
		n.Content = kept
	}
	for _, item := range n.Content {
		withoutAside(item)
	}
}

func text(m *yaml.Node, field string) string {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == field {
			return m.Content[i+1].Value
		}
	}
	return ""
}
