package auditchain

import "fmt"

// Place is a line of a file.
type Place struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// String is FILE:LINE, or FILE.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Kind is what is wrong.
type Kind string

// The kinds of findings. A notice is no break: it says what the files do not prove.
const (
	Missing   Kind = "missing" // lines were taken out
	Changed   Kind = "changed" // a line is not the one that was written
	Added     Kind = "added"   // a line is none of the chain's, or a copy, or was moved
	OutOfSeq  Kind = "out of order"
	Signature Kind = "signature"       // a signature is wrong, or by a key that was not given
	Unchained Kind = "unchained"       // records after a chain began that are in none
	Uncovered Kind = "not vouched for" // lines without a signature in a chain that is not the last
	NotJSON   Kind = "not JSON"        // a line is cut off or damaged
	Unread    Kind = "unreadable"      // a file could not be read to its end
	Notice    Kind = "notice"
)

// Finding is one thing that was found.
type Finding struct {
	Kind Kind `json:"kind"`
	Place
	Chain string `json:"chain,omitempty"`
	Text  string `json:"text"`
}

// String is one line.
func (f Finding) String() string {
	chain := ""
	if f.Chain != "" {
		chain = "chain " + f.Chain + ": "
	}
	if f.File == "" {
		return fmt.Sprintf("%s: %s%s", f.Kind, chain, f.Text)
	}
	return fmt.Sprintf("%s: %s: %s%s", f.Place, f.Kind, chain, f.Text)
}
