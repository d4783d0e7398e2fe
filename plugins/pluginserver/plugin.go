package pluginserver

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/Kong/go-pdk"
)

// Plugin is one plugin as Kong knows it.
type Plugin struct {
	// Name is the plugin's name in kong.yaml and in pluginserver_names.
	Name string
	// Version is x.y.z, of which Kong makes do with the first part or two.
	Version string
	// Priority orders plugins within a phase, higher first.
	Priority int
	// New returns a new configuration, a pointer to a struct with a method
	// for at least one phase: Certificate, Rewrite, Access, Response, Preread
	// or Log, each taking a *pdk.PDK. It is called once by [New] and once for
	// each configuration that Kong starts.
	New func() any
	// Phases are the phases that Kong is to call, by Kong's names, of those that
	// the configuration has methods for. Default: all of them.
	Phases []string
	// Deadline is how long a handler may take, the time that Kong takes to
	// reply not counted. A handler that takes longer is cut off: each of its
	// PDK calls fails from then on, and the event goes on without it. 0 is
	// [DefaultDeadline]; a negative one is none.
	Deadline time.Duration
	// FailClosed says what becomes of a request whose handler panicked or was
	// cut off: Kong answers it with 503 and a problem+json body, in the phases
	// in which it can (rewrite, access, response, preread). Otherwise the
	// request goes on as if the handler had returned. A configuration with a
	// method Failed(*pdk.PDK, error) decides itself, and this is for when that
	// fails too.
	FailClosed bool
}

// What a configuration may do besides handling phases.
type (
	provisioner interface{ Provision() error }
	closer      interface{ Close() error }
	failer      interface{ Failed(*pdk.PDK, error) }
)

// phase is an event of Kong, an index into handlers.
type phase uint8

const (
	certificate phase = iota
	rewrite
	access
	response
	preread
	logging
	phaseCount
)

// phaseNames are Kong's names of the phases, in the order of go-pdk's server.
var phaseNames = [phaseCount]string{"certificate", "rewrite", "access", "response", "preread", "log"}

// phaseOf finds a phase by Kong's name. It does not allocate.
func phaseOf(name []byte) (phase, bool) {
	for p, known := range phaseNames {
		if string(name) == known {
			return phase(p), true
		}
	}
	return 0, false
}

// handlers are the phase methods of one configuration; nil where it has none.
type handlers [phaseCount]func(*pdk.PDK)

// handlersOf resolves the phase methods once, so that an event is one call.
func handlersOf(config any) handlers {
	var h handlers
	if c, ok := config.(interface{ Certificate(*pdk.PDK) }); ok {
		h[certificate] = c.Certificate
	}
	if c, ok := config.(interface{ Rewrite(*pdk.PDK) }); ok {
		h[rewrite] = c.Rewrite
	}
	if c, ok := config.(interface{ Access(*pdk.PDK) }); ok {
		h[access] = c.Access
	}
	if c, ok := config.(interface{ Response(*pdk.PDK) }); ok {
		h[response] = c.Response
	}
	if c, ok := config.(interface{ Preread(*pdk.PDK) }); ok {
		h[preread] = c.Preread
	}
	if c, ok := config.(interface{ Log(*pdk.PDK) }); ok {
		h[logging] = c.Log
	}
	return h
}

// names lists the phases that are handled, in Kong's names.
func (h *handlers) names() []string {
	var names []string
	for p, handler := range h {
		if handler != nil {
			names = append(names, phaseNames[p])
		}
	}
	return names
}

// restrict forgets the handlers of all phases but those named, unless none is.
func (h *handlers) restrict(phases []string) error {
	if len(phases) == 0 {
		return nil
	}
	for _, name := range phases {
		if ph, ok := phaseOf([]byte(name)); !ok || h[ph] == nil {
			return fmt.Errorf("phases: the configuration does not handle %q: use some of %v", name, h.names())
		}
	}
	for ph, name := range phaseNames {
		if !slices.Contains(phases, name) {
			h[ph] = nil
		}
	}
	return nil
}

// plugin is a Plugin that was found fit to serve.
type plugin struct {
	Plugin
	phases   []string
	deadline time.Duration              // 0 for none
	config   *field                     // the schema of the configuration
	events   *[phaseCount]*eventMetrics // nil for a phase that is not handled
	stacks   rateLimit                  // of log lines about panics
	overruns rateLimit                  // of log lines about handlers that were cut off
}

var (
	// pluginName is what can be part of pluginserver_NAME_socket.
	pluginName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	// pluginVersion finds what Kong takes for the version: the first run of
	// digits and dots, at most three numbers.
	pluginVersion = regexp.MustCompile(`^[^\d]*\d+(\.\d+){0,2}([^\d.].*)?$`)
)

// compile checks a plugin and derives its schema. All reflection on the
// configuration's type happens here.
func compile(p Plugin, strict bool) (*plugin, error) {
	if !pluginName.MatchString(p.Name) {
		return nil, fmt.Errorf("plugin name %q: use letters, digits, dots, dashes and underscores", p.Name)
	}
	if !pluginVersion.MatchString(p.Version) {
		return nil, fmt.Errorf("plugin %s: version %q: use three numbers such as 1.0.0", p.Name, p.Version)
	}
	config, err := p.configType()
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p.Name, err)
	}
	h := handlersOf(config)
	if len(h.names()) == 0 {
		return nil, fmt.Errorf("plugin %s: %T handles no phase: give it a method such as Access(*pdk.PDK)", p.Name, config)
	}
	if err := h.restrict(p.Phases); err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p.Name, err)
	}
	schema, err := compileConfig(reflect.TypeOf(config).Elem(), strict)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", p.Name, err)
	}
	return &plugin{Plugin: p, phases: h.names(), deadline: max(cmp.Or(p.Deadline, DefaultDeadline), 0), config: schema}, nil
}

// configType returns a configuration to look at.
func (p Plugin) configType() (any, error) {
	if p.New == nil {
		return nil, errors.New("has no New: give it a function that returns a pointer to a new configuration")
	}
	config := p.New()
	v := reflect.ValueOf(config)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("New returns %T: return a pointer to a struct", config)
	}
	return config, nil
}
