package configcheck

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
)

// secretsInFile finds secrets in the config itself: it is in a repository, and overlays are
// not. What is for development another rule tells of.
func (p *pass) secretsInFile() {
	if p.Rendered {
		return
	}
	secret := map[*yaml.Node]bool{}
	p.Secrets().Each(p.config.Document.Root, func(n *yaml.Node) { secret[n] = true })
	p.secretsOf(p.config.Whole, nil, p.config.Document.Root, secret)
}

// secretsOf looks through a value below an entity.
func (p *pass) secretsOf(e *gateway.Entity, below schema.Path, n *yaml.Node, secret map[*yaml.Node]bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if name := n.Content[i].Value; !strings.HasPrefix(name, "_") { // what Kong leaves out
				p.secretsOf(e, below.At(name), n.Content[i+1], secret)
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if inner := p.config.At(e.Path.At(below.At(i)...)); inner != nil {
				p.secretsOf(inner, nil, item, secret)
			} else {
				p.secretsOf(e, below.At(i), item, secret)
			}
		}
	default:
		if secret[n] && !p.config.Document.Overlaid(n) && certain(e, below, n.Value) && stored(n.Value) == "" && !forDevelopment(e, n.Value) {
			p.found(e, below, "a secret in the file: whoever reads the repository has it",
				"put it in an overlay that is not in the repository, or where Kong follows one write a vault reference, and replace the secret")
		}
	}
}

// certain reports whether a value is a secret, and none of the many in plugins' configs and in
// references that only may be one, nor of entities that Kong does not have.
func certain(e *gateway.Entity, below schema.Path, value string) bool {
	isKongs := e.Kind == "" || kongEntities()[e.Kind] != nil
	if len(below) < 2 && isKongs {
		return true
	}
	field := ""
	for _, step := range below {
		if name, ok := step.(string); ok {
			field = name
		}
	}
	return kongsecret.Certain(field, value)
}

func forDevelopment(e *gateway.Entity, value string) bool {
	return isTagged(e) || strings.HasPrefix(value, developmentPrefix)
}
