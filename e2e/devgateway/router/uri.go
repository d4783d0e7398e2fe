package router

import (
	"fmt"
	"strings"
)

// The functions here are those of kong/tools/uri.lua at 3.9.1.

const (
	reserved = "!*'();:@&=+$,/?%#[]"
	// safe are the characters that escape leaves alone, besides letters and
	// digits.
	safe = "!#$&'()*+,/:;=?@[]-_.~%"
)

// Normalize decodes the percent-encoded characters that are not reserved,
// removes dot segments (RFC 3986, 5.2.4) and merges slashes.
func Normalize(path string) string {
	if path == "" || path == "/" {
		return path
	}
	path = decode(path)
	if !strings.Contains(path, ".") && !strings.Contains(path, "//") {
		return path
	}
	return removeDots(path)
}

func decode(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, ok := hexByte(path, i)
		switch {
		case !ok:
			b.WriteByte(path[i])
		case strings.IndexByte(reserved, c) >= 0:
			b.WriteString(strings.ToUpper(path[i : i+3]))
			i += 2
		default:
			b.WriteByte(c)
			i += 2
		}
	}
	return b.String()
}

func hexByte(s string, i int) (byte, bool) {
	if s[i] != '%' || i+2 >= len(s) {
		return 0, false
	}
	hi, lo := unhex(s[i+1]), unhex(s[i+2])
	return byte(hi<<4 | lo), hi >= 0 && lo >= 0
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}

func removeDots(path string) string {
	var out []string
	up := func() {
		if len(out) > 0 {
			out = out[:len(out)-1]
		}
	}
	for path != "" {
		switch {
		case path == "/.":
			path = "/"
		case path == "/..":
			path = "/"
			up()
		case path == "." || path == "..":
			path = ""
		case strings.HasPrefix(path, "../"):
			path = path[3:]
		case strings.HasPrefix(path, "./"):
			path = path[2:]
		case strings.HasPrefix(path, "/./"):
			path = path[2:]
		case strings.HasPrefix(path, "/../"):
			path = path[3:]
			up()
		case strings.HasPrefix(path, "//"):
			path = path[1:]
		default:
			end := strings.IndexByte(path[1:], '/') + 1
			if end == 0 {
				end = len(path)
			}
			out = append(out, path[:end])
			path = path[end:]
		}
	}
	return strings.Join(out, "")
}

// escape percent-encodes what cannot stand in a request line.
func escape(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if isAlnum(c) || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// WithoutQuery cuts a request URI at its query.
func WithoutQuery(requestURI string) string {
	if len(requestURI) < 2 {
		return requestURI
	}
	if i := strings.IndexByte(requestURI[1:], '?'); i >= 0 {
		return requestURI[:i+1]
	}
	return requestURI
}
