package kongrequest

import (
	"fmt"
	"strings"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/bridge"
	"github.com/Kong/go-pdk/entities"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// tokenKey is where Kong's jwt plugin leaves a token that it has verified.
const tokenKey = "authenticated_jwt_token"

// Event reads the request of one event of Kong's. It asks for each fact when it
// is first wanted, and only then. After an error it is of no more use: the
// connection to Kong is gone. It is for one goroutine.
type Event struct {
	kong    *pdk.PDK
	source  *Source
	routeID string // of the matched route, empty if Kong has to be asked

	asked bool // for the composite variable
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
	e.vars = all
	for i := range e.known {
		e.known[i] = true
	}
	return nil
}

// Token is the token that Kong's jwt plugin verified, or nil. Kong is not asked
// where its record, read before, has the note that there is none.
func (e *Event) Token() (*identity.Token, error) {
	if r := e.record.value; r != nil && r.NoToken {
		return nil, nil
	}
	return e.token.get("verified token", func() (*identity.Token, error) {
		shared, err := e.kong.Ctx.GetSharedAny(tokenKey)
		text, _ := shared.(string)
		return identity.ReadToken(text), err
	})
}

// groupsKey is where plugins that ask a directory leave the groups that it says
// the client is in, and where Kong's acl plugin looks for them. A client cannot
// write there, as it can X-Consumer-Groups where acl does not.
const groupsKey = "authenticated_groups"

// Groups are those of an authenticated client, none if no plugin said so.
func (e *Event) Groups() ([]string, error) {
	return e.groups.get("authenticated groups", func() ([]string, error) {
		shared, err := e.kong.Ctx.GetSharedAny(groupsKey)
		list, _ := shared.([]any)
		var groups []string
		for _, entry := range list {
			if name, ok := entry.(string); ok {
				groups = append(groups, name)
			}
		}
		return groups, err
	})
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
		return variable(e.kong, "http_"+strings.ReplaceAll(strings.ToLower(name), "-", "_"))
	})
}

// Consumer is the consumer that Kong's auth plugins attached to the request, its
// Id empty if there is none. With an empty [Event.Credential] it stands in for
// anonymous requests. It is asked for with each request: nothing else that a request
// has says for certain which consumer it is of.
func (e *Event) Consumer() (entities.Consumer, error) {
	return e.consumer.get("consumer", e.kong.Client.GetConsumer)
}

// ReadConsumer adds the consumer to what is known of who is asking, and the credential
// if there is a consumer: only that tells one who was authenticated from a stand-in.
func (e *Event) ReadConsumer(who *identity.Evidence) error {
	consumer, err := e.Consumer()
	if err != nil || consumer.Id == "" {
		return err
	}
	who.Consumer = identity.Consumer{ID: consumer.Id, Username: consumer.Username, CustomID: consumer.CustomId, Tags: consumer.Tags}
	who.CredentialID, err = e.Credential()
	return err
}

// Credential is the id of the credential that Kong authenticated, or empty.
func (e *Event) Credential() (string, error) {
	return e.credential.get("credential", func() (string, error) {
		credential, err := e.kong.Client.GetCredential()
		return credential.Id, err
	})
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
		text, err := askText(e.kong.Log.PdkBridge, "kong.log.serialize", nil)
		if err != nil {
			return nil, err
		}
		return kongrecord.Parse([]byte(text))
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
