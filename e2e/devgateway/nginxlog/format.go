package nginxlog

import (
	"fmt"
	"regexp"
	"strings"
)

// Format is a compiled log_format. The zero value writes empty lines.
type Format struct{ parts []part }

// part is a text, or a variable.
type part struct {
	text     string
	variable bool
}

var (
	comment = regexp.MustCompile(`(?m)^\s*#.*$`)
	quoted  = regexp.MustCompile(`'((?:[^'\\]|\\.)*)'`)
	dollar  = regexp.MustCompile(`\$(\w+)`)
)

// FindFormat finds the log_format directive of a name in nginx's configuration:
// "log_format name escape=none 'text' 'text';".
func FindFormat(name, config string) (*Format, error) {
	_, rest, found := strings.Cut(comment.ReplaceAllString(config, ""), "log_format "+name+" ")
	definition, _, closed := strings.Cut(rest, ";")
	if !found || !closed {
		return nil, fmt.Errorf("no log_format %q in the file of KONG_NGINX_HTTP_INCLUDE", name)
	}
	texts, plain := strings.CutPrefix(strings.TrimSpace(definition), "escape=none")
	if !plain || strings.TrimSpace(quoted.ReplaceAllString(texts, "")) != "" {
		return nil, fmt.Errorf("log_format %q: the dev gateway supports escape=none and single quotes only; `make up` runs Kong", name)
	}
	var text strings.Builder
	for _, m := range quoted.FindAllStringSubmatch(texts, -1) {
		text.WriteString(unescape.Replace(m[1]))
	}
	return compile(text.String()), nil
}

// unescape knows what nginx does in a quoted string.
var unescape = strings.NewReplacer(`\"`, `"`, `\'`, `'`, `\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t")

func compile(text string) *Format {
	f, end := &Format{}, 0
	for _, at := range dollar.FindAllStringSubmatchIndex(text, -1) {
		f.parts = append(f.parts, part{text: text[end:at[0]]}, part{text: text[at[2]:at[3]], variable: true})
		end = at[1]
	}
	f.parts = append(f.parts, part{text: text[end:]})
	return f
}

// Variables are the names of all variables in the format.
func (f *Format) Variables() (names []string) {
	for _, p := range f.parts {
		if p.variable {
			names = append(names, p.text)
		}
	}
	return names
}

// Line writes a line with the values of the variables.
func (f *Format) Line(get func(name string) string) string {
	var b strings.Builder
	for _, p := range f.parts {
		if p.variable {
			b.WriteString(get(p.text))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}
