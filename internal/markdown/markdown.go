// Package markdown reads documents for the tests that hold them to the truth: their code,
// their links, the anchors that others link to, and their sentences.
package markdown

import (
	"os"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Document is what a Markdown file holds.
type Document struct {
	Blocks []Block
	// Links are the destinations of links and images, in their order.
	Links []string
	// Anchors are the fragments that GitHub gives the headings.
	Anchors map[string]bool
	// Prose are the texts of paragraphs, of entries of lists and of cells of tables. A piece
	// of code in them is the one word "code".
	Prose []string
}

// Block is a fenced block of code.
type Block struct {
	// Language is the word after the fence.
	Language string
	// Anchor is that of the heading above it; empty before the first.
	Anchor string
	Text   string
}

// Read reads a file.
func Read(path string) (*Document, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(source), nil
}

// Parse reads a text.
func Parse(source []byte) *Document {
	r := reader{source: source, doc: &Document{Anchors: map[string]bool{}}}
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	_ = ast.Walk(root, r.visit) // visit makes no error
	return r.doc
}

// In returns the blocks of a language.
func (d *Document) In(language string) (found []Block) {
	for _, b := range d.Blocks {
		if b.Language == language {
			found = append(found, b)
		}
	}
	return found
}

type reader struct {
	source []byte
	doc    *Document
	anchor string
}

func (r *reader) visit(n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	switch n := n.(type) {
	case *ast.Heading:
		r.anchor = r.newAnchor(plain(n, r.source, true))
		r.doc.Anchors[r.anchor] = true
	case *ast.FencedCodeBlock:
		r.doc.Blocks = append(r.doc.Blocks, Block{string(n.Language(r.source)), r.anchor, string(n.Lines().Value(r.source))})
	case *ast.Link:
		r.doc.Links = append(r.doc.Links, string(n.Destination))
	case *ast.RawHTML:
		r.named(string(n.Segments.Value(r.source)))
	case *ast.HTMLBlock:
		r.named(string(n.Lines().Value(r.source)))
	case *ast.Image:
		r.doc.Links = append(r.doc.Links, string(n.Destination))
	}
	if isProse(n) {
		r.doc.Prose = append(r.doc.Prose, plain(n, r.source, false))
	}
	return ast.WalkContinue, nil
}

// isProse reports whether a node holds sentences and no other such node.
func isProse(n ast.Node) bool {
	switch n.Kind().String() {
	case "Paragraph", "TextBlock", "TableCell":
		return true
	default:
		return false
	}
}

// plain is the text of a node; code in it is itself or one word.
func plain(n ast.Node, source []byte, code bool) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Value(source))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.CodeSpan:
			if !code {
				b.WriteString("code")
				continue
			}
			b.WriteString(plain(c, source, code))
		default:
			b.WriteString(plain(c, source, code))
		}
	}
	return b.String()
}
