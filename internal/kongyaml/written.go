package kongyaml

import "go.yaml.in/yaml/v4"

// written is a value with all that aliases and "<<" stand for written out: what an
// overlay changes in one place is not to change in others, and two files may give one
// name to two anchors. [Decode] has bounded how much that is.
func written(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return written(n.Alias)
	}
	out := *n
	out.Anchor, out.Content = "", make([]*yaml.Node, 0, len(n.Content))
	if n.Kind != yaml.MappingNode {
		for _, item := range n.Content {
			out.Content = append(out.Content, written(item))
		}
		return &out
	}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], written(n.Content[i+1])
		if key.Tag == "!!merge" {
			merges = append(merges, value)
			continue
		}
		out.Content = append(out.Content, written(key), value)
	}
	for _, from := range merges {
		inherit(&out, from)
	}
	return &out
}

// inherit adds the fields of a mapping, or of several, that m does not have.
func inherit(m, from *yaml.Node) {
	if from.Kind == yaml.SequenceNode {
		for _, each := range from.Content {
			inherit(m, each)
		}
		return
	}
	for i := 0; i+1 < len(from.Content); i += 2 {
		if indexOf(m, from.Content[i].Value) < 0 {
			m.Content = append(m.Content, from.Content[i], from.Content[i+1])
		}
	}
}
