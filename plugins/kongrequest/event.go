package kongrequest

import (
	"fmt"
	"net/http"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/bridge"
	"github.com/Kong/go-pdk/entities"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// Event reads the request of one event of Kong's. It asks for each fact when it
// is first wanted, and only then. After an error it is of no more use: the
// connection to Kong is gone. It is for one goroutine.
type Event struct {
	kong    *pdk.PDK
	source  *Source
	routeID string // of the matched route, empty if Kong has to be asked

	asked bool // for the composite variable
	all   bool // it is known
	known [count]bool
	vars  values

	token      fact[*identity.Token]
	groups     fact[[]string]
	headers    map[string]*fact[string]
	consumer   fact[entities.Consumer]
	credential fact[string]
	route      fact[entities.Route]
	service    fact[entities.Service]
	record     fact[*kongrecord.Record]
}

// fact is an answer of Kong's that is asked for once.
type fact[T any] struct {
	known bool
	value T
	err   error
}

func (f *fact[T]) get(what string, ask func() (T, error)) (T, error) {
	if !f.known {
		f.known = true
		if f.value, f.err = ask(); f.err != nil {
			f.err = fmt.Errorf("read %s: %w", what, f.err)
		}
	}
	return f.value, f.err
}

// Kong is what the event's handler was called with.
func (e *Event) Kong() *pdk.PDK { return e.kong }

// Var is an nginx variable's value, as the client sent it and whether it is
// UTF-8 or not. It is empty where nginx has none.
func (e *Event) Var(v Variable) (string, error) {
	if e.known[v] {
		return e.vars[v], nil
	}
	if err := e.askAll(); err != nil || e.known[v] {
		return e.vars[v], err
	}
	value, err := variable(e.kong, names[v])
	if err != nil {
		return "", err
	}
	e.vars[v], e.known[v] = value, true
	return value, nil
}

// All reports whether all variables are known, as they are where nginx has the composite
// one. Where it is not, each that is wanted costs a call.
func (e *Event) All() (bool, error) {
	err := e.askAll()
	return e.all, err
}

// askAll asks for the composite variable, once.
func (e *Event) askAll() error {
	if e.asked {
		return nil
	}
	e.asked = true
	all, found, err := e.source.composite(e.kong)
	if err != nil || !found {
		return err
	}
	e.vars, e.all = all, true
	for i := range e.known {
		e.known[i] = true
	}
	return nil
}

// Header is a request header as the client sent it and whether it is UTF-8 or
// not, its lines joined with commas; empty if there is none.
func (e *Event) Header(name string) (string, error) {
	if e.headers == nil {
		e.headers = map[string]*fact[string]{}
	}
	f := e.headers[name]
	if f == nil {
		f = &fact[string]{}
		e.headers[name] = f
	}
	return f.get("header "+name, func() (string, error) {
		return variable(e.kong, headerVariable(name))
	})
}

// Preflight reports whether a request of this method is a CORS preflight, by the headers
// that the Fetch standard has each of them carry.
func (e *Event) Preflight(method string) (bool, error) {
	if method != http.MethodOptions {
		return false, nil
	}
	for _, name := range []string{"Origin", "Access-Control-Request-Method"} {
		if value, err := e.Header(name); err != nil || value == "" {
			return false, err
		}
	}
	return true, nil
}

// Route is the matched route, its Id empty if there is none. It may be a second old
// where the event is of a configuration of that route.
func (e *Event) Route() (entities.Route, error) {
	return e.route.get("route", func() (entities.Route, error) {
		return e.source.routes.get(e.routeID, e.source.now(), e.kong.Router.GetRoute)
	})
}

// Service is the service that the matched route leads to, its Id empty if there
// is none. It may be a second old.
func (e *Event) Service() (entities.Service, error) {
	return e.service.get("service", func() (entities.Service, error) {
		route, err := e.Route()
		if err != nil || route.Service.Id == "" {
			return entities.Service{}, err
		}
		return e.source.services.get(route.Service.Id, e.source.now(), e.kong.Router.GetService)
	})
}

// Path is the request's path as Kong normalised and decoded it.
func (e *Event) Path() (string, error) {
	return askText(e.kong.Request.PdkBridge, "kong.request.get_path", nil)
}

// Record is the request as Kong's log serializer tells it; only the log phase
// knows all of it.
func (e *Event) Record() (*kongrecord.Record, error) {
	return e.record.get("log record", func() (*kongrecord.Record, error) {
		heard := e.source.now()
		text, err := askText(e.kong.Log.PdkBridge, "kong.log.serialize", nil)
		if err != nil {
			return nil, err
		}
		r, err := kongrecord.Parse([]byte(text))
		if err == nil {
			r.HeardAt = heard
		}
		return r, err
	})
}

// variable reads one nginx variable; it is empty where nginx has none.
func variable(kong *pdk.PDK, name string) (string, error) {
	return askText(kong.Nginx.PdkBridge, "kong.nginx.get_var", bridge.WrapString(name))
}

// askText calls a PDK method that returns text of a client's making. Kong sends
// it as it came, and go-pdk's own methods fail on what is not UTF-8.
func askText(b bridge.PdkBridge, method string, args proto.Message) (string, error) {
	out := new(kong_plugin_protocol.ByteString)
	if err := b.Ask(method, args, out); err != nil {
		return "", fmt.Errorf("ask %s: %w", method, err)
	}
	return string(out.V), nil
}
