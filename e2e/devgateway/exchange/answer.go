package exchange

import (
	"encoding/json"
	"fmt"
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

const jsonType = "application/json; charset=utf-8"

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
		header.Set("Content-Type", jsonType)
	}
	x.Exit(status, text, header)
}

// Fail answers as kong.response.error does: in the format that the client
// accepts, with the request id. An empty message is the status's own.
func (x *Exchange) Fail(status int, message string, header http.Header) {
	if message == "" {
		message = errorMessage(status)
	}
	mime := ResponseType(x.RequestHeaderValues("Accept"))
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", mime)
	x.Exit(status, errorBody(mime, message, x.ID), header)
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
	message, known := errorPages[status]
	if !known {
		message = fmt.Sprintf("The upstream server responded with %d", status)
	}
	mime := ResponseType(accept[:1])
	x.Answer = nil
	x.Exit(status, errorBody(mime, message, x.ID), http.Header{"Content-Type": {mime}})
}

// Settle writes the answer's status and headers into the response.
func (x *Exchange) Settle() {
	a := x.Answer
	x.Status = a.Status
	for name, vals := range a.Header {
		setResponseHeader(x.RespHeader, name, vals)
	}
	if a.Header.Get("Content-Length") == "" {
		x.RespHeader.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
}

// errorPages are the messages of kong/error_handlers.lua.
var errorPages = map[int]string{
	400: "Bad request",
	404: "Not found",
	405: "Method not allowed",
	408: "Request timeout",
	411: "Length required",
	412: "Precondition failed",
	413: "Payload too large",
	414: "URI too long",
	417: "Expectation failed",
	494: "Request header or cookie too large",
	500: "An unexpected error occurred",
	502: "An invalid response was received from the upstream server",
	503: "The upstream server is currently unavailable",
	504: "The upstream server is timing out",
}

// errorMessage is the message of kong/pdk/response.lua for a status.
func errorMessage(status int) string {
	more := map[int]string{
		401: "Unauthorized",
		402: "Payment required",
		403: "Forbidden",
		406: "Not acceptable",
		407: "Proxy authentication required",
		409: "Conflict",
		410: "Gone",
		415: "Unsupported media type",
		416: "Range not satisfiable",
		418: "I'm a teapot",
		421: "Misdirected request",
		422: "Unprocessable entity",
		423: "Locked",
		424: "Failed dependency",
		425: "Too early",
		426: "Upgrade required",
		428: "Precondition required",
		429: "Too many requests",
		431: "Request header fields too large",
		451: "Unavailable for legal reasons",
		501: "Not implemented",
		505: "HTTP version not supported",
		506: "Variant also negotiates",
		507: "Insufficient storage",
		508: "Loop detected",
		510: "Not extended",
		511: "Network authentication required",
	}
	for _, messages := range []map[int]string{errorPages, more} {
		if msg, ok := messages[status]; ok {
			return msg
		}
	}
	return fmt.Sprintf("The upstream server responded with %d", status)
}
