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
	root, err := oneDocument(data)
	if err != nil {
		return nil, err
	}
	return convert(root)
}

// oneDocument is the value of a file, which has one document.
func oneDocument(data []byte) (*yaml.Node, error) {
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
	return doc.Content[0], nil
}

// convert is a value in those of encoding/json. Its error has all that is wrong, a line each.
func convert(n *yaml.Node) (any, error) {
	c := converter{left: maxNodes, within: map[*yaml.Node]bool{}}
	value, err := c.value(n, nil)
	if err = errors.Join(append(c.wrong, err)...); err != nil {
		return nil, err
	}
	return value, nil
}

type converter struct {
	left, depth int
	// within are the values that the one which is read is in.
	within map[*yaml.Node]bool
	// wrong is what does not keep the rest from being read.
	wrong []error
}

func (c *converter) value(n *yaml.Node, at schema.Path) (any, error) {
	if c.left--; c.left < 0 {
		return nil, fmt.Errorf("document has more than %d values", maxNodes)
	}
	if c.depth++; c.depth > maxDepth {
		return nil, fmt.Errorf("line %d: values are nested more than %d deep", n.Line, maxDepth)
	}
	c.within[n] = true
	defer func() { c.depth--; delete(c.within, n) }()
	switch n.Kind {
	case yaml.AliasNode:
		if c.within[n.Alias] {
			return nil, fmt.Errorf("line %d: %s: the alias *%s is within what it stands for, without an end", n.Line, at, n.Value)
		}
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
		value, err := scalar(n, at)
		if err != nil {
			c.wrong = append(c.wrong, err)
		}
		return value, nil
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
			c.wrong = append(c.wrong, fmt.Errorf("line %d: %s: a key must be a string", key.Line, at))
			continue
		}
		here := at.At(key.Value)
		if _, twice := m[key.Value]; twice {
			c.wrong = append(c.wrong, fmt.Errorf("line %d: %s: key given twice", key.Line, here))
			continue
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
			return nil, fmt.Errorf("line %d: %s: %q is no number", n.Line, at, n.Value)
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
