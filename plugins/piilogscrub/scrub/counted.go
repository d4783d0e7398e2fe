package scrub

import "strings"

// Counted scrubs strings, and tells somebody what was in them.
type Counted struct {
	Engine *Engine
	// Observe counts what was found in n bytes of text from a place, such as "audit".
	// Places are few and known: they become labels of metrics.
	Observe func(place string, n int, t Tally)
}

// Text scrubs a text. The result is valid UTF-8, whatever the text is.
func (c Counted) Text(place, text string, f Format) string {
	out, tally := c.Engine.Scrub(nil, []byte(text), f)
	return c.counted(place, len(text), out, tally)
}

// Value scrubs the value of the field of a name, likewise.
func (c Counted) Value(place, name, text string) string {
	out, tally := c.Engine.Value(nil, name, []byte(text))
	return c.counted(place, len(text), out, tally)
}

// urlHeaders are headers the values of which are URLs.
var urlHeaders = map[string]bool{
	"referer": true, "location": true, "content-location": true, "origin": true,
	"x-original-url": true, "x-forwarded-path": true, "x-rewrite-url": true,
}

// Header scrubs the value of a header, whose name is in lower case, likewise.
func (c Counted) Header(place, name, value string) string {
	if urlHeaders[name] {
		return c.Text(place, value, FormatURL)
	}
	return c.Value(place, name, value)
}

func (c Counted) counted(place string, n int, out []byte, t Tally) string {
	c.Observe(place, n, t)
	return strings.ToValidUTF8(string(out), "?")
}
