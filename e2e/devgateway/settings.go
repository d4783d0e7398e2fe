package devgateway

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/gatehousehq/gatehouse/deploy/kong"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// useSettings takes over those of Kong's settings that are more than a place.
func (g *Gateway) useSettings() (err error) {
	if g.addHeader, err = parseAddHeader(g.opts.AddHeader); err != nil {
		return err
	}
	if g.useSooner, err = includesSunset(g.opts.NginxInclude); err != nil {
		return err
	}
	if g.errorBody, err = readErrorTemplate(g.opts.ErrorTemplate); err != nil {
		return err
	}
	if g.gzip, err = parseGzip(g.opts.Gzip); err != nil {
		return err
	}
	g.realIP, err = newRealIP(g.opts)
	return err
}

// addHeader is a header for all responses, nginx's "add_header NAME $VARIABLE always".
type addHeader struct{ name, variable string }

func parseAddHeader(setting string) (addHeader, error) {
	if setting == "" {
		return addHeader{}, nil
	}
	fields := strings.Fields(setting)
	if len(fields) != 3 || !strings.HasPrefix(fields[1], "$") || fields[2] != "always" {
		return addHeader{}, fmt.Errorf("KONG_NGINX_PROXY_ADD_HEADER=%q: the dev gateway supports NAME $VARIABLE always only", setting)
	}
	a := addHeader{name: fields[0], variable: fields[1][1:]}
	if err := exchange.CheckVar(a.variable); err != nil {
		return addHeader{}, fmt.Errorf("KONG_NGINX_PROXY_ADD_HEADER: %w", err)
	}
	return a, nil
}

// addTo adds the header where its variable has a value.
func (a addHeader) addTo(h http.Header, x *exchange.Exchange) {
	if a.name == "" {
		return
	}
	if value, _ := x.Var(a.variable); value != "" { // parseAddHeader knows the variable
		h.Add(a.name, value)
	}
}

// includesSunset reports whether the file that nginx would include has the maps of
// deploy/kong/gatehouse-sunset.conf.
func includesSunset(file string) (bool, error) {
	if file == "" {
		return false, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return false, fmt.Errorf("read KONG_NGINX_HTTP_INCLUDE: %w", err)
	}
	return strings.Contains(string(text), kong.Sunset), nil
}

// readErrorTemplate reads the body of the gateway's own answers in JSON.
func readErrorTemplate(file string) (string, error) {
	if file == "" {
		return exchange.DefaultErrorBody, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read KONG_ERROR_TEMPLATE_JSON: %w", err)
	}
	return string(text), nil
}
