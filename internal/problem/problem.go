// Package problem has the problem details of RFC 9457, and writes them.
//
// [Document] has the standard members, for whoever adds members of their own. [Details]
// is the problem that an HTTP server here answers with. [From] is the only place where an
// error becomes a status and a text that a client may read. An error that it does not
// know becomes a 500 that says nothing about the inside.
package problem

import "encoding/json"

// ContentType is the media type of problem details (RFC 9457, section 6.1).
const ContentType = "application/problem+json"

// Document has the standard members (RFC 9457, section 3.1). A struct that embeds it
// and goes on with fields of its own is a problem with extension members, which then
// stand behind the standard ones.
type Document struct {
	// Type is a URI that names the kind of problem.
	Type string `json:"type"`
	// Title is the kind's, the same for each problem of it.
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is about this problem, for people.
	Detail string `json:"detail"`
	// Instance is a URI of this problem; left out if empty.
	Instance string `json:"instance,omitempty"`
}

// Encode is the body of a response: a [Document], or a struct that embeds one. It
// cannot fail as long as extension members are strings, numbers and lists of them.
func Encode(document any) []byte {
	body, _ := json.Marshal(document)
	return body
}
