package kongyaml

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// keys are the fields by which entities of a kind are told apart: one of a base and one
// of an overlay that have it in common are one. Of other kinds, such as plugins, those
// of an overlay are added.
var keys = map[string]string{
	"services": "name", "routes": "name", "upstreams": "name", "consumers": "username", "consumer_groups": "name",
	"certificates": "id", "ca_certificates": "id", "vaults": "prefix",
}

// Merge adds overlays to a declarative config, the later over the earlier: Kong reads
// one file, and what differs by environment or is secret is kept in others. The order of
// entities and the spelling of values stay as they are.
func Merge(base []byte, overlays ...[]byte) ([]byte, error) {
	into, err := mapping(base)
	if err != nil {
		return nil, fmt.Errorf("parse declarative config: %w", err)
	}
	for i, text := range overlays {
		overlay, err := mapping(text)
		if err != nil {
			return nil, fmt.Errorf("parse overlay %d: %w", i+1, err)
		}
		if err := mergeMapping(into, overlay); err != nil {
			return nil, fmt.Errorf("merge overlay %d: %w", i+1, err)
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(into); err != nil {
		return nil, fmt.Errorf("encode declarative config: %w", err)
	}
	return out.Bytes(), encoder.Close()
}

// mapping is the one mapping of a document that Kong can read.
func mapping(text []byte) (*yaml.Node, error) {
	if _, err := Decode(text); err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: expected an object", doc.Content[0].Line)
	}
	return doc.Content[0], nil
}

func mergeMapping(into, from *yaml.Node) error {
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		at := indexOf(into, key.Value)
		if at < 0 {
			into.Content = append(into.Content, key, value)
			continue
		}
		merged, err := mergeValue(key.Value, into.Content[at], value)
		if err != nil {
			return err
		}
		into.Content[at] = merged
	}
	return nil
}

// mergeValue is what becomes of a field that both have.
func mergeValue(field string, base, overlay *yaml.Node) (*yaml.Node, error) {
	switch {
	case base.Kind == yaml.AliasNode:
		return nil, fmt.Errorf("line %d: %s is an alias, which an overlay would change for others too: write the value out", base.Line, field)
	case base.Kind == yaml.MappingNode && overlay.Kind == yaml.MappingNode:
		return base, mergeMapping(base, overlay)
	case base.Kind == yaml.SequenceNode && overlay.Kind == yaml.SequenceNode && isEntities(overlay):
		return base, mergeEntities(base, overlay, keys[field])
	default:
		return overlay, nil
	}
}

// isEntities reports whether a list is one of objects, and not of values.
func isEntities(list *yaml.Node) bool {
	return len(list.Content) > 0 && list.Content[0].Kind == yaml.MappingNode
}

func mergeEntities(base, overlay *yaml.Node, key string) error {
	for _, entity := range overlay.Content {
		same := find(base, key, entity)
		if same == nil {
			base.Content = append(base.Content, entity)
			continue
		}
		if err := mergeMapping(same, entity); err != nil {
			return err
		}
	}
	return nil
}

// find is the entity of the list that has the same key, or nil.
func find(list *yaml.Node, key string, entity *yaml.Node) *yaml.Node {
	id := text(entity, key)
	if key == "" || id == "" {
		return nil
	}
	for _, candidate := range list.Content {
		if candidate.Kind == yaml.MappingNode && text(candidate, key) == id {
			return candidate
		}
	}
	return nil
}

func text(entity *yaml.Node, field string) string {
	if at := indexOf(entity, field); at >= 0 && entity.Content[at].Kind == yaml.ScalarNode {
		return entity.Content[at].Value
	}
	return ""
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
