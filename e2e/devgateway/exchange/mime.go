package exchange

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// acceptPattern is one media range of an Accept header with its quality, as
// kong/tools/http.lua reads it.
var acceptPattern = regexp.MustCompile(`(?i)^((?:[a-z0-9][a-z0-9\-!#$&^_+.]+|\*)/(?:[a-z0-9][a-z0-9\-!#$&^_+.]+|\*))` +
	`(?:\s*;\s*q=(1(?:\.0{0,3})?|0(?:\.\d{0,3})?)|\s*;\s*[a-z0-9][a-z0-9\-!#$&^_+.]+(?:=[^;]*)?)*`)

// ResponseType is the content type of an error for a client that accepts these
// types: JSON unless HTML, XML or plain text is preferred.
func ResponseType(accept []string) string {
	best, found := 0.0, JSONType
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		m := acceptPattern.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			continue
		}
		q, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			q = 1
		}
		if q > best {
			best, found = q, mimeType(m[1])
		}
	}
	return found
}

func mimeType(mediaRange string) string {
	switch mediaRange {
	case "text/html":
		return "text/html; charset=utf-8"
	case "application/xml":
		return "application/xml; charset=utf-8"
	case "text/plain", "text/*":
		return "text/plain; charset=utf-8"
	default:
		return JSONType
	}
}

func errorBody(mime, message, requestID string) []byte {
	template := "{\n  \"message\":\"%s\",\n  \"request_id\":\"%s\"\n}"
	switch strings.TrimSuffix(mime, "; charset=utf-8") {
	case "text/html":
		template = htmlTemplate
	case "application/xml":
		template = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <message>%s</message>\n  <requestid>%s</requestid>\n</error>\n"
	case "text/plain":
		template = "%s\nrequest_id: %s\n"
	}
	return fmt.Appendf(nil, template, message, requestID)
}

const htmlTemplate = `<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <title>Error</title>
  </head>
  <body>
    <h1>Error</h1>
    <p>%s.</p>
    <p>request_id: %s</p>
  </body>
</html>
`
