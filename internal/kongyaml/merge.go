package kongyaml

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// File is a declarative config, or an overlay of one.
type File struct {
	// Name is what errors call it.
	Name string
	Text []byte
}

// Merge adds overlays to a declarative config, the later over the earlier: Kong reads
// one file, and what differs by environment or is secret is kept in others. It does what
// `deck file merge` does: lists of entities are put together, and any other field of the
// document is the later file's. Then entities that are one by their id or name are made
// one, since Kong refuses two: a list of values is the later's, and plugins are added.
//
// The order of entities and the spelling of values stay as they are; anchors are written
// out. An error names the file and the line.
func Merge(base File, overlays ...File) ([]byte, error) {
	merged, err := Layer(base, overlays...)
	if err != nil {
		return nil, err
	}
	return merged.Text()
}

// Format is a document's text.
func Format(document *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("encode declarative config: %w", err)
	}
	return out.Bytes(), encoder.Close()
}

// Parse returns the one mapping of a document that Kong can read, with what aliases and
// "<<" stand for written out.
func (f File) Parse() (*yaml.Node, error) {
	if _, err := Decode(f.Text); err != nil {
		return nil, f.error(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(f.Text, &doc); err != nil {
		return nil, f.error(err)
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: line %d: expected an object", f.Name, doc.Content[0].Line)
	}
	return written(doc.Content[0]), nil
}

func (f File) error(err error) error {
	return fmt.Errorf("parse %s: %w", f.Name, err)
}

// place says what a mapping is, and with that what its lists are.
type place int

const (
	document place = iota // all its lists are of entities
	entity                // those of kinds that nest are
	value                 // none is
)

// mergeFields adds the fields of from, which are the overlay's, to a mapping.
func mergeFields(in place, into, from *yaml.Node) error {
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, over := from.Content[i], from.Content[i+1]
		at := indexOf(into, key.Value)
		if at < 0 {
			into.Content = append(into.Content, key, over)
			continue
		}
		old := into.Content[at]
		switch {
		case old.Kind == yaml.SequenceNode && over.Kind == yaml.SequenceNode && (in == document || in == entity && nested[key.Value]):
			if err := mergeEntities(key.Value, old, over); err != nil {
				return err
			}
		case old.Kind == yaml.MappingNode && over.Kind == yaml.MappingNode && in != document:
			if err := mergeFields(value, old, over); err != nil {
				return err
			}
		default:
			into.Content[at] = over
		}
	}
	return nil
}

// indexOf is where the value of a field stands in a mapping, or -1.
func indexOf(m *yaml.Node, field string) int {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == field {
			return i + 1
		}
	}
	return -1
}

// text is a field's, empty if it has none.
func text(m *yaml.Node, field string) string {
	if at := indexOf(m, field); at >= 0 && m.Content[at].Kind == yaml.ScalarNode && m.Content[at].Tag != "!!null" {
		return m.Content[at].Value
	}
	return ""
}

// names are the fields by which entities of a kind are told apart, besides their ids.
var names = map[string]string{
	"services": "name", "routes": "name", "upstreams": "name", "targets": "target", "snis": "name",
	"consumers": "username", "consumer_groups": "name", "plugins": "instance_name", "vaults": "prefix",
}

// nested are the kinds of entities that may be written in others.
var nested = map[string]bool{
	"services": true, "routes": true, "upstreams": true, "targets": true, "snis": true, "plugins": true,
	"acls": true, "basicauth_credentials": true, "hmacauth_credentials": true, "jwt_secrets": true,
	"keyauth_credentials": true, "mtls_auth_credentials": true, "oauth2_credentials": true, "oauth2_tokens": true,
}

// mergeEntities adds an overlay's entities of a kind.
func mergeEntities(kind string, base, overlay *yaml.Node) error {
	for _, over := range overlay.Content {
		same, err := find(kind, base, over)
		if err != nil {
			return err
		}
		if same == nil {
			base.Content = append(base.Content, over)
			continue
		}
		if err := mergeFields(entity, same, over); err != nil {
			return err
		}
	}
	return nil
}

// find is the entity of a list that is the one given, or nil.
func find(kind string, list, given *yaml.Node) (*yaml.Node, error) {
	if given.Kind != yaml.MappingNode {
		return nil, nil
	}
	byID, byName := lookUp(list, "id", text(given, "id")), lookUp(list, names[kind], text(given, names[kind]))
	switch {
	case byID == nil:
		return byName, nil
	case byName != nil && byName != byID:
		return nil, fmt.Errorf("line %d: %s: by its id it is one entity, by its %s another: take out one of the two", given.Line, kind, names[kind])
	default:
		return byID, nil
	}
}

// lookUp compares exactly, ids too: so does Kong, and another one's entity is nobody's to
// change.
func lookUp(list *yaml.Node, field, key string) *yaml.Node {
	if key == "" {
		return nil
	}
	for _, candidate := range list.Content {
		if candidate.Kind == yaml.MappingNode && text(candidate, field) == key {
			return candidate
		}
	}
	return nil
}
