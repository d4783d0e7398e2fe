package apiversion

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/plugins/apiversion/negotiation"
)

// api is one that has versions, with the headers that its requests get.
type api struct {
	scope   negotiation.Scope
	choices negotiation.API
	// upstream are the headers towards the service, by version.
	upstream map[string]map[string][]string
	// vary are the response's headers, none if nothing that it sends decides; refused are
	// those of a refusal.
	vary, refused map[string][]string
}

// Refusal is a response that the gateway makes itself.
type Refusal struct {
	Status int
	// Body is a problem (RFC 9457), as JSON.
	Body []byte
}

// problemType is what clients may know the problem by.
const problemType = "urn:gatehouse:problem:no-acceptable-version"

// details are a problem with this plugin's extension members.
type details struct {
	problem.Document
	Versions []offered `json:"versions"`
	Default  string    `json:"default"`
}

// offered is a version that there is.
type offered struct {
	Version    string   `json:"version"`
	MediaTypes []string `json:"media_types"`
	Deprecated bool     `json:"deprecated,omitempty"`
}

func newAPI(scope negotiation.Scope, choices negotiation.API, routeHeader, requestHeader string) *api {
	a := &api{scope: scope, choices: choices, upstream: make(map[string]map[string][]string, len(choices.Versions))}
	for _, v := range choices.Versions {
		a.upstream[v.Name] = only(routeHeader, v.Name)
	}
	var vary []string
	if choices.ByMediaType() {
		vary = append(vary, "Accept")
	}
	if requestHeader != "" {
		vary = append(vary, requestHeader)
	}
	a.refused = map[string][]string{"Content-Type": {problem.ContentType}}
	if len(vary) > 0 {
		a.vary = map[string][]string{"Vary": {strings.Join(vary, ", ")}}
		a.refused["Vary"] = a.vary["Vary"]
	}
	return a
}

// maxDashes is how many dashes of a header's name are minded.
const maxDashes = 4

// only sets a header, and removes it in its other spellings: Kong's router takes an
// underscore for a dash, and whoever wrote one of them would choose the route.
func only(name, value string) map[string][]string {
	h := map[string][]string{name: {value}}
	parts := strings.SplitN(strings.ToLower(name), "-", maxDashes+1)
	for spelling := 1; spelling < 1<<(len(parts)-1); spelling++ {
		other := parts[0]
		for i, part := range parts[1:] {
			separator := "-"
			if spelling&(1<<i) != 0 {
				separator = "_"
			}
			other += separator + part
		}
		h[other] = nil
	}
	return h
}

// refuse says what there is. It repeats nothing that the client sent.
func (a *api) refuse(by negotiation.Reason, requestHeader string) *Refusal {
	d := details{Document: problem.Document{
		Type: problemType, Title: "No acceptable version", Status: http.StatusNotAcceptable,
		Detail: "The Accept header takes none of this API's versions. Name one of them by its media type, or accept */* for the default.",
	}, Default: a.choices.Default}
	switch {
	case by == negotiation.UnknownVersion:
		d.Detail = fmt.Sprintf("The %s header names none of this API's versions. Write one of them, or leave it out for the default.", requestHeader)
	case requestHeader != "":
		d.Detail = fmt.Sprintf("The Accept header, with %s where that is sent, takes none of this API's versions. Name one of them, or accept */* for the default.", requestHeader)
	}
	for _, v := range a.choices.Versions {
		types := append(append([]string{}, v.MediaTypes...), a.choices.MediaTypes...)
		d.Versions = append(d.Versions, offered{v.Name, types, v.Deprecated})
	}
	return &Refusal{Status: d.Status, Body: problem.Encode(d)}
}
