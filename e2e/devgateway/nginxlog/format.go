package nginxlog

import (
	"fmt"
	"strings"
)

// KongFormat is the log_format that Kong writes its access log in
// (kong_log_format in kong/templates/nginx_kong.lua).
const KongFormat = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent ` +
	`"$http_referer" "$http_user_agent" kong_request_id: "$kong_request_id"`

// combined is nginx's own format of that name.
const combined = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent ` +
	`"$http_referer" "$http_user_agent"`

// Format is a compiled log_format.
type Format struct {
	parts  []part
	escape func(string) string
	empty  string // what a variable without a value is written as
}

// part is a text, or a variable.
type part struct {
	text     string
	variable bool
}

// FindFormat returns a format by name. definitions are what follows log_format in
// nginx's configuration: "name [escape=default|json|none] 'format' ...".
func FindFormat(name string, definitions ...string) (*Format, error) {
	switch name {
	case "", "kong_log_format":
		return compile(KongFormat, escapeDefault, "-"), nil
	case "combined":
		return compile(combined, escapeDefault, "-"), nil
	}
	for _, text := range definitions {
		text = strings.TrimSpace(text)
		if end := strings.IndexAny(text, " \t\n"); end >= 0 && text[:end] == name {
			return define(name, strings.TrimSpace(text[end:]))
		}
	}
	return nil, fmt.Errorf("unknown log format %q; define it in KONG_NGINX_HTTP_LOG_FORMAT or a file of KONG_NGINX_HTTP_INCLUDE", name)
}

// Definitions finds the log_format directives of an nginx configuration.
func Definitions(config string) (found []string) {
	for line := range strings.Lines(config) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			config = strings.Replace(config, line, "", 1)
		}
	}
	for {
		_, rest, ok := strings.Cut(config, "log_format ")
		if !ok {
			return found
		}
		definition, rest, ok := strings.Cut(rest, ";")
		if !ok {
			return found
		}
		found, config = append(found, definition), rest
	}
}

// define compiles what follows a format's name.
func define(name, definition string) (*Format, error) {
	escape, empty := escapeDefault, "-"
	if end := strings.IndexAny(definition, " \t\n"); end >= 0 && strings.HasPrefix(definition, "escape=") {
		mode := definition[:end]
		definition = strings.TrimSpace(definition[end:])
		switch mode {
		case "escape=json":
			escape, empty = escapeJSON, ""
		case "escape=none":
			escape, empty = func(s string) string { return s }, ""
		case "escape=default":
		default:
			return nil, fmt.Errorf("unknown log format escaping %q", mode)
		}
	}
	text, err := unquote(definition)
	if err != nil {
		return nil, fmt.Errorf("log format %q: %w", name, err)
	}
	return compile(text, escape, empty), nil
}

// escapes are those that nginx knows in a quoted string.
var escapes = map[string]byte{`\"`: '"', `\'`: '\'', `\\`: '\\', `\n`: '\n', `\r`: '\r', `\t`: '\t'}

// unquote joins the quoted strings of an nginx directive.
func unquote(s string) (string, error) {
	var b strings.Builder
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		quote := s[0]
		if quote != '\'' && quote != '"' {
			word, rest, _ := strings.Cut(s, " ")
			b.WriteString(word)
			s = rest
			continue
		}
		end := 1
		for end < len(s) && s[end] != quote {
			c := s[end]
			if plain, ok := escapes[s[end:min(end+2, len(s))]]; ok {
				end++
				c = plain
			}
			b.WriteByte(c)
			end++
		}
		if end >= len(s) {
			return "", fmt.Errorf("no closing %c", quote)
		}
		s = s[end+1:]
	}
	return b.String(), nil
}

func compile(text string, escape func(string) string, empty string) *Format {
	f := &Format{escape: escape, empty: empty}
	for text != "" {
		start := strings.IndexByte(text, '$')
		if start < 0 {
			f.parts = append(f.parts, part{text: text})
			break
		}
		if start > 0 {
			f.parts = append(f.parts, part{text: text[:start]})
		}
		name, rest := variable(text[start+1:])
		f.parts = append(f.parts, part{text: name, variable: true})
		text = rest
	}
	return f
}

// variable cuts a variable's name off a text: name or {name}.
func variable(text string) (name, rest string) {
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		if name, rest, found := strings.Cut(inner, "}"); found {
			return name, rest
		}
	}
	end := 0
	for end < len(text) && (text[end] == '_' || isAlnum(text[end])) {
		end++
	}
	return text[:end], text[end:]
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// Line writes a line with the values of the variables.
func (f *Format) Line(get func(name string) (string, bool)) string {
	var b strings.Builder
	for _, p := range f.parts {
		if !p.variable {
			b.WriteString(p.text)
			continue
		}
		if v, ok := get(p.text); ok {
			b.WriteString(f.escape(v))
		} else {
			b.WriteString(f.empty)
		}
	}
	return b.String()
}

// escapeDefault writes quotes, backslashes, control characters and non-ASCII
// bytes as \xXX.
func escapeDefault(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' || c < 0x20 || c > 0x7e {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escapeJSON escapes what may not stand in a JSON string.
func escapeJSON(s string) string {
	short := map[byte]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	var b strings.Builder
	for i := range len(s) {
		if esc, ok := short[s[i]]; ok {
			b.WriteString(esc)
		} else if s[i] < 0x20 {
			fmt.Fprintf(&b, `\u%04X`, s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
