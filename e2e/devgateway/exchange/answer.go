package exchange

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Answer is a response that the gateway makes itself. A nil Body is an empty one
// without a content type.
type Answer struct {
	Status int
	Body   []byte
	Header http.Header
}

// JSONType is the media type of Kong's own JSON.
const JSONType = "application/json; charset=utf-8"

// Exit answers the request as kong.response.exit does. The first answer counts.
func (x *Exchange) Exit(status int, body []byte, header http.Header) {
	if x.Answer != nil {
		return
	}
	x.Exited = true
	x.Answer = &Answer{Status: status, Body: body, Header: header}
}

// ExitJSON answers with a table, which becomes JSON.
func (x *Exchange) ExitJSON(status int, body any, header http.Header) {
	text, err := json.Marshal(body)
	if err != nil {
		x.Fail(http.StatusInternalServerError, "", nil)
		return
	}
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", JSONType)
	}
	x.Exit(status, text, header)
}

// Fail answers as kong.response.error does: in the format that the client
// accepts, with the request id. An empty message is the status's own.
func (x *Exchange) Fail(status int, message string, header http.Header) {
	if message == "" {
		message = messages[status]
	}
	contentType := errorType(x.RequestHeaderValues("Accept"))
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", contentType)
	x.Exit(status, x.errorBody(contentType, message), header)
}

// ErrorPage answers as nginx's error_page does in Kong (kong/error_handlers.lua):
// when the upstream failed, or when a plugin threw an error outside the access
// phase. Unlike Fail it looks at the request's Content-Type too, and its default
// is plain text.
func (x *Exchange) ErrorPage(status int) {
	x.Unexpected = true
	accept := x.RequestHeaderValues("Accept")
	if len(accept) == 0 {
		accept = x.RequestHeaderValues("Content-Type")
	}
	if len(accept) == 0 {
		accept = []string{"text/plain"}
	}
	contentType := errorType(accept)
	x.Answer = nil
	x.Exit(status, x.errorBody(contentType, messages[status]), http.Header{"Content-Type": {contentType}})
}

// ApplyAnswer writes the answer's status and headers into the response.
func (x *Exchange) ApplyAnswer() {
	a := x.Answer
	x.Status = a.Status
	for name, vals := range a.Header {
		setResponseHeader(x.RespHeader, name, vals)
	}
	if a.Header.Get("Content-Length") == "" {
		x.RespHeader.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
}

// messages are those of kong/pdk/response.lua and kong/error_handlers.lua for the
// statuses that the dev gateway answers with.
var messages = map[int]string{
	http.StatusBadRequest:          "Bad request",
	http.StatusUnauthorized:        "Unauthorized",
	http.StatusMethodNotAllowed:    "Method not allowed",
	http.StatusInternalServerError: "An unexpected error occurred",
	http.StatusBadGateway:          "An invalid response was received from the upstream server",
	http.StatusServiceUnavailable:  "The upstream server is currently unavailable",
	http.StatusGatewayTimeout:      "The upstream server is timing out",
}
