// Package kongyaml reads a declarative config as Kong reads it.
package kongyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// maxNodes bounds a document after its aliases are expanded, so that a few
// lines of aliases of aliases cannot fill the memory.
const maxNodes = 200_000

// maxDepth bounds how deep values are nested, which an alias of what it stands
// in makes endless.
const maxDepth = 100

// Decode reads one document into the values of encoding/json. It reads
// scalars as Kong's lyaml does: yes, no, on and off are booleans, and a date is
// a string.
func Decode(data []byte) (any, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("expected an object")
		}
		return nil, err
	}
	var next yaml.Node
	if err := dec.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one YAML document, found more")
	}
	if len(doc.Content) == 0 {
		return nil, errors.New("expected an object")
	}
	c := converter{left: maxNodes}
	return c.value(doc.Content[0], nil)
}

type converter struct{ left, depth int }

func (c *converter) value(n *yaml.Node, at schema.Path) (any, error) {
	if c.left--; c.left < 0 {
		return nil, fmt.Errorf("document has more than %d values", maxNodes)
	}
	if c.depth++; c.depth > maxDepth {
		return nil, fmt.Errorf("line %d: values are nested more than %d deep", n.Line, maxDepth)
	}
	defer func() { c.depth-- }()
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias, at)
	case yaml.MappingNode:
		return c.mapping(n, at)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			v, err := c.value(item, at.At(i))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	default:
		return scalar(n, at)
	}
}

func (c *converter) mapping(n *yaml.Node, at schema.Path) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" {
			merges = append(merges, n.Content[i+1])
			continue
		}
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: %s: a key must be a string", key.Line, at)
		}
		here := at.At(key.Value)
		if _, twice := m[key.Value]; twice {
			return nil, fmt.Errorf("line %d: %s: key given twice", key.Line, here)
		}
		v, err := c.value(n.Content[i+1], here)
		if err != nil {
			return nil, err
		}
		m[key.Value] = v
	}
	return m, c.merge(m, merges, at)
}

// merge adds the keys of the mappings under "<<" that m does not have itself.
func (c *converter) merge(m map[string]any, from []*yaml.Node, at schema.Path) error {
	for _, n := range from {
		v, err := c.value(n, at)
		if err != nil {
			return err
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			source, ok := item.(map[string]any)
			if !ok {
				return fmt.Errorf("line %d: %s: only a mapping can be merged", n.Line, at)
			}
			for k, v := range source {
				if _, has := m[k]; !has {
					m[k] = v
				}
			}
		}
	}
	return nil
}

func scalar(n *yaml.Node, at schema.Path) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		var f float64
		if err := n.Decode(&f); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", n.Line, at, err)
		}
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, fmt.Errorf("line %d: %s: expected a finite number, got %s", n.Line, at, n.Value)
		}
		return f, nil
	}
	if plain := n.Style&^yaml.FlowStyle == 0; plain {
		switch strings.ToLower(n.Value) {
		case "yes", "on":
			return true, nil
		case "no", "off":
			return false, nil
		}
	}
	return n.Value, nil
}
