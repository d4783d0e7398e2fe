package kongyaml

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Fault is what is wrong with a slip.
type Fault int

// The faults that do not keep the rest of a config from being read.
const (
	KeyTwice Fault = iota
	KeyNoText
	NoNumber
	NotFinite
	VersionNoText
	TransformNoBool
	OverlayDiffers
)

// Slip is a mistake for which [Layer] takes no config, and beside which the rest can be read.
type Slip struct {
	Fault Fault
	Position
	// Path leads there in the merged config; where Merged is false, in its own file.
	Path   schema.Path
	Merged bool
	// Value is a scalar as it is written; empty of anything else.
	Value string
	// Err is what [Layer] says of it.
	Err error

	column int
}

// Survey is [Layer] of files with slips: Document is what is left when each is mended, of two
// keys with the last, as Kong has it. Its error is of what can be read no further.
func Survey(base File, overlays ...File) (*Document, []Slip, error) {
	var slips []Slip
	var all *meta
	files := append([]File{base}, overlays...)
	roots := make([]*yaml.Node, len(files))
	for i, f := range files {
		s := surveyor{file: f.Name}
		root, err := s.read(f)
		if err != nil {
			return nil, nil, err
		}
		s.meta(f, root)
		if i == 0 {
			all, err = readMeta(f, root)
		} else {
			err = all.add(f, root)
		}
		if err != nil && i == 0 {
			return nil, nil, err
		}
		if err != nil {
			s.found(Slip{Fault: OverlayDiffers, Err: err, Position: Position{Line: lineOf(err, root)}}, nil)
			remove(root, formatField)
			remove(root, transformField)
		}
		roots[i], slips = root, append(slips, s.slips...)
	}
	d, err := layered(files, roots, all)
	if err != nil {
		return nil, nil, err
	}
	for i := range slips {
		slips[i].Merged = len(overlays) == 0
		d.locate(&slips[i])
	}
	return d, slips, nil
}

type surveyor struct {
	file  string
	slips []Slip
}

func (s *surveyor) found(slip Slip, n *yaml.Node) {
	slip.File = s.file
	if n != nil {
		slip.column = n.Column
		if slip.Line == 0 {
			slip.Line = n.Line
		}
		if n.Kind == yaml.ScalarNode {
			slip.Value = n.Value
		}
	}
	s.slips = append(s.slips, slip)
}

// read is [File.Parse] of what is left of a file.
func (s *surveyor) read(f File) (*yaml.Node, error) {
	root, err := oneDocument(f.Text)
	if err != nil {
		return nil, f.error(err)
	}
	if root.Kind != yaml.MappingNode {
		return nil, f.error(errors.New("expected an object"))
	}
	s.mend(root, nil, 0)
	if _, err := convert(root); err != nil {
		return nil, f.error(err)
	}
	return written(root), nil
}

// mend takes the slips out of a value. What aliases stand for is mended where it is written.
func (s *surveyor) mend(n *yaml.Node, at schema.Path, depth int) {
	if depth > maxDepth {
		return // convert says so
	}
	switch n.Kind {
	case yaml.MappingNode:
		s.mapping(n, at, depth)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			s.mend(item, at.At(i), depth+1)
		}
	case yaml.ScalarNode:
		if _, err := scalar(n, at); err != nil {
			fault := NotFinite
			var f float64
			if n.Decode(&f) != nil {
				fault = NoNumber
			}
			s.found(Slip{Fault: fault, Path: at, Err: err}, n)
			n.Value, n.Tag = "1", "!!int" // what most fields of numbers take
		}
	}
}

func (s *surveyor) mapping(n *yaml.Node, at schema.Path, depth int) {
	last := map[string]int{} // where the pair of a key is in content
	var content []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			s.mend(value, at, depth+1)
			content = append(content, key, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			s.found(Slip{Fault: KeyNoText, Path: at, Err: fmt.Errorf("line %d: %s: a key must be a string", key.Line, at)}, key)
			continue
		}
		here := at.At(key.Value)
		before, twice := last[key.Value]
		if twice {
			s.found(Slip{Fault: KeyTwice, Path: here, Position: Position{Line: key.Line}, Err: fmt.Errorf("line %d: %s: key given twice", key.Line, here)}, value)
		}
		s.mend(value, here, depth+1)
		if twice {
			content[before], content[before+1] = key, value
			continue
		}
		last[key.Value] = len(content)
		content = append(content, key, value)
	}
	n.Content = content
}

// meta mends what a file says of itself.
func (s *surveyor) meta(f File, root *yaml.Node) {
	if _, err := transformOf(f, root); err != nil {
		s.found(Slip{Fault: TransformNoBool, Path: schema.Path{transformField}, Err: err}, root.Content[indexOf(root, transformField)])
		remove(root, transformField)
	}
	if err := new(meta).addVersion(f, root); err != nil {
		at := indexOf(root, formatField)
		n := root.Content[at]
		s.found(Slip{Fault: VersionNoText, Path: schema.Path{formatField}, Err: err}, n)
		root.Content[at] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "3.0", Line: n.Line, Column: n.Column}
	}
}

func remove(m *yaml.Node, field string) {
	if at := indexOf(m, field); at >= 0 {
		m.Content = append(m.Content[:at-1:at-1], m.Content[at+1:]...)
	}
}

// lineOf is that of the field which an overlay's error is about.
func lineOf(err error, root *yaml.Node) int {
	if strings.Contains(err.Error(), transformField) {
		return line(root, transformField)
	}
	return line(root, formatField)
}

// locate finds the path of a slip in the merged config.
func (d *Document) locate(s *Slip) {
	switch {
	case s.Fault == VersionNoText || s.Fault == TransformNoBool:
		s.Merged = true
	case s.Merged || s.Fault == OverlayDiffers:
		return
	}
	if path, ok := d.written(d.Root, s, nil); ok {
		s.Path, s.Merged = path, true
	}
}

// written is the path of the value that a slip was found at, by its column: of two keys the
// line is the key's.
func (d *Document) written(n *yaml.Node, s *Slip, at schema.Path) (schema.Path, bool) {
	for i, item := range n.Content {
		step := any(i)
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			step = n.Content[i-1].Value
		}
		here := at.At(step)
		if item.Column == s.column && d.position(item).File == s.File && (item.Line == s.Line || n.Kind == yaml.MappingNode && n.Content[i-1].Line == s.Line) &&
			len(s.Path) > 0 && s.Path[len(s.Path)-1] == step {
			return here, true
		}
		if path, ok := d.written(item, s, here); ok {
			return path, true
		}
	}
	return nil, false
}
