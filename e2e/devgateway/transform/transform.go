// Package transform has the access phase of Kong's request-transformer plugin
// (kong/plugins at 3.9.1), as far as it removes and adds headers.
package transform

import (
	"net/http"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

type transformer struct {
	Remove struct {
		Headers []string `json:"headers"`
	} `json:"remove"`
	Add struct {
		Headers []string `json:"headers"` // "name:value"
	} `json:"add"`
}

// New returns the access phase of a request-transformer.
func New(p *config.Plugin) (func(*exchange.Exchange) error, error) {
	var t transformer
	if err := p.Decode(&t); err != nil {
		return nil, err
	}
	return t.access, nil
}

// access removes headers first, and adds those that are then not there. A name with an
// underscore is another one than that with a dash.
func (t transformer) access(x *exchange.Exchange) error {
	for _, name := range t.Remove.Headers {
		x.ClearRequestHeader(name)
	}
	for _, pair := range t.Add.Headers {
		name, value, _ := strings.Cut(pair, ":")
		if _, there := x.Header[http.CanonicalHeaderKey(name)]; !there {
			x.SetRequestHeader(name, value)
		}
	}
	return nil
}
