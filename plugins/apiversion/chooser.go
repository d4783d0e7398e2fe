package apiversion

import (
	"net/http"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/plugins/apiversion/negotiation"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// Chooser is what a config does: it says which version of an API a request gets. The
// plugin's own handler uses it, and so does the plugin that runs all in one hop. It is safe
// for concurrent use.
type Chooser struct {
	runtime *Runtime
	// apis are in the order in which they are looked through.
	apis          []*api
	requestHeader string
	byHost        bool // the host decides, too
	degraded      bool
}

// Asked is a request to an API that has versions, and what it gets.
type Asked struct {
	api     *api
	version string
	by      negotiation.Reason
	// method is known of requests that get none.
	method string
}

// Decision is what becomes of a request.
type Decision struct {
	// Word is for the audit record: the version, or why there is none.
	Word string
	// Upstream and Response are the headers to set; those without values are removed. They
	// are shared between events, and not to be changed.
	Upstream, Response map[string][]string
	// Refusal is the answer in place of the service's, with Response as its headers; nil if
	// the request goes on.
	Refusal *Refusal
}

// newChooser returns a chooser beside an error, too: one of what is right.
func (c *Config) newChooser() (*Chooser, error) {
	defaults.Fill(c)
	return newChooser(c)
}

// Read asks Kong for what [Chooser.Decide] needs. It is nil for a request to nothing that
// has versions, of which the path is all that is asked.
func (k *Chooser) Read(e *kongrequest.Event) (*Asked, error) {
	of, err := k.find(e)
	if of == nil || err != nil {
		return nil, err
	}
	var r negotiation.Request
	if of.choices.ByMediaType() {
		if r.Accept, err = e.Header("Accept"); err != nil {
			return nil, err
		}
	}
	if k.requestHeader != "" {
		if r.Version, err = e.Header(k.requestHeader); err != nil {
			return nil, err
		}
	}
	asked := &Asked{api: of}
	if asked.version, asked.by = of.choices.Choose(r); asked.by.Refused() {
		asked.method, err = e.Var(kongrequest.Method)
	}
	return asked, err
}

// find is the API that a request is to, nil if that has no versions.
func (k *Chooser) find(e *kongrequest.Event) (*api, error) {
	path, err := e.Path()
	if err != nil {
		return nil, err
	}
	host := ""
	if k.byHost {
		if host, err = e.Var(kongrequest.Host); err != nil {
			return nil, err
		}
	}
	for _, a := range k.apis {
		if a.scope.Holds(host, path) {
			return a, nil
		}
	}
	return nil, nil
}

// byPreflight is what chose the version of an OPTIONS request that accepts none. A browser
// asks so whether it may ask, and says of the request's headers their names only.
const byPreflight = "preflight"

// Decide says what becomes of a request, and counts it. It does no I/O.
func (k *Chooser) Decide(asked Asked) Decision {
	by := string(asked.by)
	if asked.by.Refused() {
		if asked.method != http.MethodOptions {
			k.runtime.requests.WithLabelValues(asked.api.scope.Path, "", by).Inc()
			refusal := asked.api.refuse(asked.by, k.requestHeader)
			return Decision{Word: by, Response: asked.api.refused, Refusal: refusal}
		}
		asked.version, by = asked.api.choices.Default, byPreflight
	}
	k.runtime.requests.WithLabelValues(asked.api.scope.Path, asked.version, by).Inc()
	word := asked.version
	if k.degraded {
		word = kongrecord.Degraded
	}
	return Decision{Word: word, Upstream: asked.api.upstream[asked.version], Response: asked.api.vary}
}
