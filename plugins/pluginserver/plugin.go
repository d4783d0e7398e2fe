package pluginserver

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/schema"
)

// Plugin is one plugin as Kong knows it.
type Plugin struct {
	// Name is the plugin's name in kong.yaml and in pluginserver_names.
	Name string
	// Version is x.y.z, of which Kong makes do with the first part or two. It looks for
	// it in the text: v1.2.3-rc1 is 1.2.3.
	Version string
	// Priority orders plugins within a phase, higher first. It fits 32 bits.
	Priority int
	// New returns a new configuration, a pointer to a struct with a method
	// for at least one phase: Certificate, Rewrite, Access, Response, Preread
	// or Log, each taking a *pdk.PDK; or CertificateContext and so on, each taking
	// a context.Context before that, which are called where there are both. It is
	// called once by [New] and once for each configuration that Kong starts.
	New func() any
	// Phases are the phases that Kong is to call, by Kong's names, of those that
	// the configuration has methods for. Default: all of them.
	Phases []string
	// Deadline is how long a handler of the phases that a client waits for may take,
	// the time that Kong takes to reply not counted. Its context ends then; a handler
	// that goes on for [Grace] is cut off: each of its PDK calls fails from then on,
	// and the event goes on without it. 0 or less is none, as for go-pdk's own server.
	Deadline time.Duration
	// LogDeadline is the same for handlers of the log phase, for which nobody waits.
	LogDeadline time.Duration
	// FailOpen says what becomes of a request whose handler panicked, was cut off, or
	// cannot be called: it goes on as if the handler had returned. Otherwise Kong
	// answers it with 503 and a problem+json body, in the phases in which it can
	// (rewrite, access, response, preread). A configuration with a method
	// Failed(*pdk.PDK, error) decides itself, within five seconds, and this is for when
	// that fails too.
	FailOpen bool
}

// What a configuration may do besides handling phases.
type (
	// Its error says that the configuration cannot run as it is written.
	provisioner interface{ Provision() error }
	// It is called with that error, or with why the configuration could not be
	// decoded or Provision panicked. From then on handlers are called, and do what
	// still can be done.
	degrader interface{ Degrade(err error) }
	// It is called once, after these, and says how long this configuration's handlers
	// may take in place of Plugin.Deadline; 0 is that, and less is for ever.
	deadliner interface{ Deadline() time.Duration }
	// It is called once for each phase after Provision, with Kong's name of the phase,
	// and declares what the handler reads in nearly every event: PDK methods, each with
	// its one argument, a string or a decimal number, or "" for none. The first of these
	// calls that a handler makes has all of them sent to Kong at once, which saves the
	// others' round trips.
	// One that the handler then does not make costs Kong's worker 9 to 15 µs in vain.
	// A declared answer must be the same from the event's first call until it is read:
	// neither time, nor arriving bytes, nor the handler's own writes may change it.
	prefetcher interface {
		Prefetch(phase string) [][2]string
	}
	// It is called when a handler has failed, and decides about the request.
	failer interface{ Failed(*pdk.PDK, error) }
	closer interface{ Close() error }
)

// plugin is a Plugin that was found fit to serve.
type plugin struct {
	Plugin
	phases    []string
	deadlines deadlines
	config    *schema.Field              // the schema of the configuration
	events    *[phaseCount]*eventMetrics // nil for a phase that is not handled
	slots     [phaseCount]chan struct{}  // one for each event under way; nil as above
	breakers  [phaseCount + 1]breaker    // that of Failed is the last
	stacks    rateLimit                  // of log lines about panics
	overruns  rateLimit                  // of log lines about handlers that were cut off
	oversized rateLimit                  // of log lines about answers that are too large
}

// ofFailed is the index of the breaker of a plugin's Failed.
const ofFailed = phaseCount

// prepare makes what events of the plugin need.
func (p *plugin) prepare(m *metrics, maxEvents int) {
	p.events = m.forPlugin(p.Name, p.phases)
	for ph, e := range p.events {
		if e != nil {
			p.slots[ph] = make(chan struct{}, maxEvents)
		}
	}
	for i := range p.breakers {
		b := &p.breakers[i]
		b.plugin, b.handler = p.Name, "Failed"
		if i < int(phaseCount) {
			b.handler = phaseNames[i]
		}
		b.open = m.overloaded(b.plugin, b.handler)
	}
}

// compile checks a plugin and derives its schema. All reflection on the
// configuration's type happens here.
func compile(p Plugin, strict bool) (*plugin, error) {
	if err := checkName(p.Name); err != nil {
		return nil, err
	}
	phases, of, err := p.look(strict)
	if err = errors.Join(checkVersion(p.Version), checkPriority(p.Priority), err); err != nil {
		return nil, ofPlugin(p.Name, err)
	}
	return &plugin{Plugin: p, phases: phases, config: of}, nil
}

// look derives the phases and the schema from a configuration.
func (p Plugin) look(strict bool) (phases []string, of *schema.Field, err error) {
	config, err := p.configType()
	if err != nil {
		return nil, nil, err
	}
	h := handlersOf(config)
	if len(h.names()) == 0 {
		return nil, nil, fmt.Errorf("%T handles no phase: give it a method such as Access(*pdk.PDK)", config)
	}
	err = h.restrict(p.Phases)
	of, schemaErr := schema.Of(reflect.TypeOf(config).Elem(), strict)
	return h.names(), of, errors.Join(err, schemaErr)
}

// configType returns a configuration to look at.
func (p Plugin) configType() (config any, err error) {
	if p.New == nil {
		return nil, errors.New("has no New: give it a function that returns a pointer to a new configuration")
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("New panics: %v: it is called once before there is any configuration, to see what it returns", panicked)
		}
	}()
	config = p.New()
	v := reflect.ValueOf(config)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("New returns %T: return a pointer to a struct", config)
	}
	return config, nil
}
