// Package cors has the phases of Kong's cors plugin (kong/plugins/cors at 3.9.1).
package cors

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// The headers of https://fetch.spec.whatwg.org/#http-cors-protocol that the plugin writes
// and reads.
const (
	allowOrigin         = "Access-Control-Allow-Origin"
	allowCredentials    = "Access-Control-Allow-Credentials"
	allowHeaders        = "Access-Control-Allow-Headers"
	allowMethods        = "Access-Control-Allow-Methods"
	allowPrivateNetwork = "Access-Control-Allow-Private-Network"
	exposeHeaders       = "Access-Control-Expose-Headers"
	maxAge              = "Access-Control-Max-Age"
	requestHeaders      = "Access-Control-Request-Headers"
	requestMethod       = "Access-Control-Request-Method"
	requestPrivate      = "Access-Control-Request-Private-Network"
)

// everyMethod is what a preflight allows where the configuration has methods: null.
const everyMethod = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT"

// Plugin is the plugin with one configuration.
type Plugin struct {
	settings
	origins []origin // those of settings.Origins
}

type settings struct {
	Origins           []string  `json:"origins"`
	Headers           []string  `json:"headers"`
	ExposedHeaders    []string  `json:"exposed_headers"`
	Methods           *[]string `json:"methods"` // an empty list allows none
	MaxAge            *float64  `json:"max_age"`
	Credentials       bool      `json:"credentials"`
	PrivateNetwork    bool      `json:"private_network"`
	PreflightContinue bool      `json:"preflight_continue"`
}

// New reads the plugin's configuration.
func New(p *config.Plugin) (*Plugin, error) {
	c := &Plugin{}
	if err := p.Decode(&c.settings); err != nil {
		return nil, err
	}
	for _, text := range c.Origins {
		o, err := parseOrigin(text)
		if err != nil {
			return nil, err
		}
		c.origins = append(c.origins, o)
	}
	return c, nil
}

// preflight is what a request keeps if it asks what it may ask for: its response gets no
// more headers.
const preflight = config.CORSName + " preflight"

// Access answers a preflight request.
func (c *Plugin) Access(x *exchange.Exchange) error {
	_, from := x.RequestHeader("Origin")
	_, wants := x.RequestHeader(requestMethod)
	if x.Method != http.MethodOptions || !from || !wants {
		return nil
	}
	x.Keep(preflight, "")
	if c.PreflightContinue {
		return nil // the service answers it
	}
	if err := c.writeOrigin(x, false); err != nil {
		return err
	}
	if asked, ok := x.RequestHeader(requestHeaders); len(c.Headers) > 0 {
		x.SetResponseHeader(allowHeaders, strings.Join(c.Headers, ","))
	} else if ok {
		x.SetResponseHeader(allowHeaders, asked)
	}
	methods := everyMethod
	if c.Methods != nil {
		methods = strings.Join(*c.Methods, ",")
	}
	x.SetResponseHeader(allowMethods, methods)
	if c.MaxAge != nil {
		x.SetResponseHeader(maxAge, strconv.FormatFloat(*c.MaxAge, 'g', luaDigits, 64))
	}
	if asked, _ := x.RequestHeader(requestPrivate); c.PrivateNetwork && asked == "true" {
		x.SetResponseHeader(allowPrivateNetwork, "true")
	}
	x.Exit(http.StatusOK, nil, nil)
	return nil
}

// luaDigits is how many digits of a number Lua writes.
const luaDigits = 14

// HeaderFilter tells a browser whether a page of the request's origin may read the response.
func (c *Plugin) HeaderFilter(x *exchange.Exchange) error {
	if _, ok := x.Kept(preflight); ok {
		return nil
	}
	if err := c.writeOrigin(x, true); err != nil {
		return err
	}
	if len(c.ExposedHeaders) > 0 {
		x.SetResponseHeader(exposeHeaders, strings.Join(c.ExposedHeaders, ","))
	}
	return nil
}

// writeOrigin says who may read the response, and whether with credentials. The response
// is another one for another origin, unless everybody may. add keeps the Vary that is there.
func (c *Plugin) writeOrigin(x *exchange.Exchange, add bool) error {
	everybody, err := c.allow(x, add)
	if err != nil || !c.Credentials {
		return err
	}
	if everybody {
		from, ok := x.RequestHeader("Origin")
		if !ok {
			return nil
		}
		vary(x, add)
		x.SetResponseHeader(allowOrigin, from) // no browser takes * with credentials
	}
	x.SetResponseHeader(allowCredentials, "true")
	return nil
}

// allow writes which origin may read the response, and reports whether all may.
func (c *Plugin) allow(x *exchange.Exchange, add bool) (everybody bool, err error) {
	if len(c.Origins) == 0 || len(c.Origins) == 1 && c.Origins[0] == "*" {
		x.SetResponseHeader(allowOrigin, "*")
		return true, nil
	}
	vary(x, add)
	if len(c.Origins) == 1 && c.origins[0].pattern == nil {
		x.SetResponseHeader(allowOrigin, c.Origins[0]) // as it is written, whoever asks
		return false, nil
	}
	if text, ok := x.RequestHeader("Origin"); ok {
		if c.listsEverybody() {
			x.SetResponseHeader(allowOrigin, "*")
			return true, nil
		}
		from, err := normalize(text)
		if err != nil {
			return false, err
		}
		for _, o := range c.origins {
			if o.has(from) {
				x.SetResponseHeader(allowOrigin, from.domain)
				return false, nil
			}
		}
	}
	x.ClearResponseHeader(allowOrigin)
	return false, nil
}

// listsEverybody reports whether * is one of several origins.
func (c *Plugin) listsEverybody() bool {
	for _, o := range c.Origins {
		if o == "*" {
			return true
		}
	}
	return false
}

func vary(x *exchange.Exchange, add bool) {
	if add {
		x.AddResponseHeader("Vary", "Origin")
	} else {
		x.SetResponseHeader("Vary", "Origin")
	}
}
