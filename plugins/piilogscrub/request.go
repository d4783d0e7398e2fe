package piilogscrub

import (
	"fmt"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/requestlog"
)

// readRequest reads all of the request but its headers.
func readRequest(e *kongrequest.Event) (*requestlog.Request, error) {
	r := new(requestlog.Request)
	for _, part := range [...]struct {
		variable kongrequest.Variable
		value    *string
	}{
		{kongrequest.RemoteAddr, &r.ClientIP}, {kongrequest.Scheme, &r.Scheme},
		{kongrequest.Host, &r.Host}, {kongrequest.ServerPort, &r.Port},
		{kongrequest.RequestURI, &r.URI}, {kongrequest.UpstreamURI, &r.Upstream},
	} {
		var err error
		if *part.value, err = e.Var(part.variable); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// maxHeaders is how many headers Kong's serializer logs.
const maxHeaders = 100

// requestHeaders reads the request's headers, by lower-case name.
func requestHeaders(kong *pdk.PDK) (map[string][]string, error) {
	headers, err := kong.Request.GetHeaders(maxHeaders)
	if err != nil {
		return nil, fmt.Errorf("read request headers: %w", err)
	}
	return headers, nil
}

// responseHeaders reads the response's headers, likewise.
func responseHeaders(kong *pdk.PDK) (map[string][]string, error) {
	headers, err := kong.Response.GetHeaders(maxHeaders)
	if err != nil {
		return nil, fmt.Errorf("read response headers: %w", err)
	}
	return headers, nil
}

// writeFields replaces what log plugins will write of the request.
func writeFields(kong *pdk.PDK, fields ...requestlog.Field) error {
	list := make([]kongwrite.LogField, len(fields))
	for i, f := range fields {
		list[i] = kongwrite.LogField(f)
	}
	return kongwrite.SetLogFields(kong, list...)
}
