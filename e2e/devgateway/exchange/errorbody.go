package exchange

import (
	"fmt"
	"strings"
)

const textType = "text/plain; charset=utf-8"

// errorType is the content type of an error for a client that accepts these types: plain
// text if the first one is text, else JSON. Kong weighs all of them, and knows HTML and
// XML too.
func errorType(accept []string) string {
	if len(accept) > 0 && strings.HasPrefix(accept[0], "text/") {
		return textType
	}
	return JSONType
}

// DefaultErrorBody is Kong's template of an error in JSON: its message, and the
// request's id.
const DefaultErrorBody = "{\n  \"message\":\"%s\",\n  \"request_id\":\"%s\"\n}"

func (x *Exchange) errorBody(contentType, message string) []byte {
	if contentType == textType {
		return fmt.Appendf(nil, "%s\nrequest_id: %s\n", message, x.ID)
	}
	return fmt.Appendf(nil, x.ErrorTemplate, message, x.ID)
}
