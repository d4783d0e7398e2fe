package kongyaml

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// Document is a declarative config with what goes over it. It knows of each value in which
// file and line it is written.
type Document struct {
	// Root is the merged mapping, without aliases.
	Root *yaml.Node
	// base is the text of a config without overlays, which stays as it is written.
	base     []byte
	name     string
	overlays []string
	files    map[*yaml.Node]string
}

// Position is where a value is written.
type Position struct {
	File string
	Line int // from 1
}

func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Layer adds overlays to a declarative config, as [Merge] does.
func Layer(base File, overlays ...File) (*Document, error) {
	root, err := base.Parse()
	if err != nil {
		return nil, err
	}
	meta, err := readMeta(base, root)
	if err != nil {
		return nil, err
	}
	roots := []*yaml.Node{root}
	for _, overlay := range overlays {
		from, err := overlay.Parse()
		if err != nil {
			return nil, err
		}
		if err := meta.add(overlay, from); err != nil {
			return nil, err
		}
		roots = append(roots, from)
	}
	return layered(append([]File{base}, overlays...), roots, meta)
}

// layered puts the mappings of files together, the base first.
func layered(files []File, roots []*yaml.Node, meta *meta) (*Document, error) {
	d := &Document{Root: roots[0], name: files[0].Name, files: map[*yaml.Node]string{}}
	if len(files) == 1 {
		d.base = files[0].Text
		return d, nil
	}
	for i, overlay := range files[1:] {
		from := roots[i+1]
		d.overlays = append(d.overlays, overlay.Name)
		d.brought(overlay.Name, from)
		if err := mergeFields(document, d.Root, from); err != nil {
			return nil, fmt.Errorf("%s: %w", overlay.Name, err)
		}
	}
	meta.write(d.Root)
	return d, nil
}

// brought notes that an overlay's values are of its file. All others are of the base.
func (d *Document) brought(file string, n *yaml.Node) {
	d.files[n] = file
	for _, item := range n.Content {
		d.brought(file, item)
	}
}

// Text is what Kong reads.
func (d *Document) Text() ([]byte, error) {
	if d.base != nil {
		return d.base, nil
	}
	return Format(d.Root)
}

// Value is the document in the values of encoding/json.
func (d *Document) Value() (map[string]any, error) {
	value, err := convert(d.Root)
	if err != nil {
		return nil, err
	}
	return value.(map[string]any), nil
}

// At is where the value at a path is written, or what is nearest to it on the way there. Of a
// field it is where its name is.
func (d *Document) At(path schema.Path) Position {
	at, _ := d.find(path)
	return d.position(at)
}

// Number is the number at a path as it is written, which may have more digits than a value can;
// empty for what is none.
func (d *Document) Number(path schema.Path) string {
	if _, n := d.find(path); n != nil && (n.Tag == "!!int" || n.Tag == "!!float") {
		return n.Value
	}
	return ""
}

// find is what a path leads to, nil if that is not there, and where it is, or the nearest to
// that on the way there.
func (d *Document) find(path schema.Path) (at, n *yaml.Node) {
	at, n = d.Root, d.Root
	for _, step := range path {
		switch step := step.(type) {
		case string:
			i := indexOf(n, step)
			if n.Kind != yaml.MappingNode || i < 0 {
				return at, nil
			}
			at, n = n.Content[i-1], n.Content[i]
		case int:
			if n.Kind != yaml.SequenceNode || step >= len(n.Content) {
				return at, nil
			}
			n = n.Content[step]
			at = n
		}
	}
	return at, n
}

func (d *Document) position(n *yaml.Node) Position {
	file, ok := d.files[n]
	if !ok {
		file = d.name
	}
	return Position{File: file, Line: n.Line}
}

// Overlaid reports whether an overlay brought a value.
func (d *Document) Overlaid(n *yaml.Node) bool { return d.files[n] != "" }

// Files are the names of those that the document is of, the base first.
func (d *Document) Files() []string { return append([]string{d.name}, d.overlays...) }

// AsPlugin reads the config of one plugin, alone or under config, as a document of which it
// is plugins[0].config: what is below that is known by its file and line.
func AsPlugin(name string, file File) (*Document, error) {
	root, err := file.Parse()
	if err != nil {
		return nil, err
	}
	if i := indexOf(root, "config"); i > 0 {
		root = root.Content[i]
	}
	entry := mapping(word("name"), word(name), word("config"), root)
	plugins := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{entry}, Line: 1}
	return &Document{Root: mapping(word("plugins"), plugins), name: file.Name, files: map[*yaml.Node]string{}}, nil
}

func mapping(content ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: content, Line: 1}
}

func word(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: 1}
}
