// Package hopbyhop finds out whether a client takes a header away that the gateway sets.
//
// A request's Connection header names headers that are for the next hop alone (RFC 9110,
// section 7.6.1). Kong removes what it names after all plugins have run, by what the
// client wrote: nothing that a plugin sets stays there. So a request whose Connection
// names what a plugin issues is to be refused by that plugin.
package hopbyhop

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// Named is the first header that a Connection header names and that is issued, as the
// client wrote it. Lines of the header are joined with commas. Kong trims spaces, and
// tabs only beside spaces; what it would not find is found here all the same.
func Named(connection string, issued func(name string) bool) (name string, found bool) {
	for option := range strings.SplitSeq(connection, ",") {
		if name = strings.TrimSpace(option); issued(name) {
			return name, true
		}
	}
	return "", false
}

// Refusal is the answer to a request that takes a header away.
type Refusal struct {
	Status  int
	Headers map[string][]string
	Body    []byte
}

// Refuse is the answer to a request whose Connection header names that header.
func Refuse(name string) Refusal {
	return Refusal{
		Status:  http.StatusBadRequest,
		Headers: map[string][]string{"Content-Type": {problem.ContentType}},
		Body: problem.Encode(refused{problem.Document{
			Type:   problem.TypeConnectionOption,
			Title:  "Connection names a header that the gateway sets",
			Status: http.StatusBadRequest,
			Detail: fmt.Sprintf("The Connection header names %s, which the gateway sets for the service and which would be removed on the way. Send Connection without it.", name),
		}, name}),
	}
}

type refused struct {
	problem.Document
	Header string `json:"header"`
}
