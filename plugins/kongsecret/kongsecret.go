// Package kongsecret knows which values of a declarative config are secrets: private
// keys, what credentials are proved by, and what plugins' schemas say may be in a vault
// or encrypted. Public keys, certificates and vault references are none.
package kongsecret

import (
	"cmp"
	"regexp"
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

// Values are the secrets of a config.
func (f *Finder) Values(config kongyaml.File) ([]string, error) {
	document, err := config.Parse()
	if err != nil {
		return nil, err
	}
	var values []string
	f.document(document, func(secret *yaml.Node) { values = append(values, secret.Value) })
	return values, nil
}

// Replacer returns what hides the secrets of a config in other text, such as what Kong
// says of it. Of secrets that begin alike the longest is taken.
func (f *Finder) Replacer(config kongyaml.File) (func(text string) string, error) {
	values, err := f.Values(config)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		if value != "" {
			pairs = append(pairs, value, Hidden)
		}
	}
	return strings.NewReplacer(pairs...).Replace, nil
}

// secrets are the fields of entities that are.
var secrets = map[string][]string{
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

func (f *Finder) document(m *yaml.Node, found func(*yaml.Node)) {
	f.entity("", m, found)
}

// entity looks through one of a kind, and those that are nested in it: any list of
// mappings is of entities that are called as it is.
func (f *Finder) entity(kind string, m *yaml.Node, found func(*yaml.Node)) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		field, value := m.Content[i].Value, m.Content[i+1]
		switch {
		case slices.Contains(secrets[kind], field):
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
	switch value.Kind {
	case yaml.MappingNode:
		f.entity("", value, found)
	case yaml.SequenceNode:
		for _, item := range value.Content {
			if item.Kind == yaml.MappingNode {
				f.entity(kind, item, found)
			} else {
				f.nested(kind, item, found)
			}
		}
	default:
		unmistakable(value, found)
	}
}

func (f *Finder) plugin(name string, config *yaml.Node, found func(*yaml.Node)) {
	if known := f.configs[name]; known != nil {
		bySchema(known, config, found)
		return
	}
	called(config, found)
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

// secretName is what fields of secrets are called, in the plugins that come with Kong 3.9
// and in others.
var secretName = regexp.MustCompile(`(?i)^(key|api_?key|client_?id|headers?|header_value|param_value|eab_kid|username|(http|traces|logs)?_?endpoint|authorization)$|` +
	`(password|passwd|passphrase|secret|secret_v1|token|credentials?|_key|_key_id|_account_json|private_key)$`)

// called finds what is called like a secret, in a value whose schema is not known.
func called(value *yaml.Node, found func(*yaml.Node)) {
	switch value.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(value.Content); i += 2 {
			if secretName.MatchString(value.Content[i].Value) {
				scalars(value.Content[i+1], found)
			} else {
				called(value.Content[i+1], found)
			}
		}
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

var privateKey, password = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`), regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://[^/@\s]*:[^/@\s]+@`)

// unmistakable finds what is a secret wherever it stands: a private key, and a URL with a
// password in it.
func unmistakable(value *yaml.Node, found func(*yaml.Node)) {
	if privateKey.MatchString(value.Value) || password.MatchString(value.Value) {
		found(value)
	}
}

func withoutComments(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, item := range n.Content {
		withoutComments(item)
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
