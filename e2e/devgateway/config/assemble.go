package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// assembler builds a Config from a valid document: it numbers the entities,
// resolves references between them, and finds duplicates.
type assembler struct {
	loader *Loader
	config *Config
	errs   schema.Errors
	taken  map[string]bool // kind, field and value
	now    int64

	upstreams    map[string]*Upstream // by name
	certificates map[string]*tls.Certificate
	cas          map[string]*x509.Certificate
}

func newAssembler(l *Loader) *assembler {
	return &assembler{
		loader: l,
		config: &Config{
			Entities:   Entities{},
			jwtSecrets: map[string]*JWTSecret{}, keys: map[string]*KeyAuth{}, consumers: map[string]*Consumer{},
			serverCertificates: map[string]*tls.Certificate{},
		},
		taken: map[string]bool{}, upstreams: map[string]*Upstream{},
		certificates: map[string]*tls.Certificate{}, cas: map[string]*x509.Certificate{},
		now: l.opts.Now().Unix(),
	}
}

// entry is an entity of the document and where it stands.
type entry struct {
	fields map[string]any
	at     schema.Path
}

// nested are the entities of a kind in another one.
func (e entry) nested(kind string) []entry {
	list, _ := e.fields[kind].([]any)
	out := make([]entry, len(list))
	for i, v := range list {
		fields, _ := v.(map[string]any)
		out[i] = entry{fields: fields, at: e.at.At(kind, i)}
	}
	return out
}

func (e entry) text(field string) string {
	s, _ := e.fields[field].(string)
	return s
}

// ref is the id in a foreign key.
func (e entry) ref(field string) string {
	key, _ := e.fields[field].(map[string]any)
	id, _ := key["id"].(string)
	return id
}

func (a *assembler) document(root entry) {
	for _, e := range root.nested("certificates") {
		a.certificate(e)
	}
	for _, e := range root.nested("snis") {
		a.sni(e)
	}
	for _, e := range root.nested("ca_certificates") {
		a.caCertificate(e)
	}
	for _, e := range root.nested("upstreams") {
		a.upstream(e)
	}
	for _, e := range root.nested("services") {
		a.service(e)
	}
	for _, e := range root.nested("consumers") {
		a.consumer(e)
	}
	a.plugins(root, scope{})
}

// meta is what Kong adds to each entity.
func (a *assembler) meta(m *Meta, id string) { m.ID, m.CreatedAt, m.UpdatedAt = id, a.now, a.now }

// decode fills an entity from its fields.
func (a *assembler) decode(e entry, into any) {
	text, err := json.Marshal(e.fields)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		a.fail(e.at, err.Error())
	}
}

// unique reports a value that another entity of the kind has already.
func (a *assembler) unique(e entry, kind, field, value string) {
	key := kind + " " + field + " " + value
	if value != "" && a.taken[key] {
		a.fail(e.at, fmt.Sprintf("uniqueness violation: '%s' entity with %s set to '%s' already declared", kind, field, value))
	}
	a.taken[key] = true
}

func (a *assembler) fail(at schema.Path, msg string) {
	a.errs = append(a.errs, schema.Error{Path: at, Message: msg})
}

func (a *assembler) upstream(e entry) {
	u := &Upstream{}
	a.decode(e, u)
	if id := e.ref("client_certificate"); id != "" {
		u.ClientCertificate = a.clientCertificate(e, id)
	}
	a.unique(e, "upstreams", "name", u.Name)
	a.upstreams[u.Name] = u
	id := namedID("upstreams", u.Name)
	a.show("upstreams", id, e)
	a.config.Upstreams = append(a.config.Upstreams, u)
	for _, t := range e.nested("targets") {
		target, ok := a.loader.opts.Hosts.target(t.text("target"))
		if !ok {
			a.fail(t.at.At("target"), fmt.Sprintf("%q: the dev gateway supports host:port only, where host is an address or a name in the file of KONG_DNS_HOSTSFILE; %s",
				t.text("target"), onKong))
			target = nil
		} else {
			target.HostHeader = e.text("host_header")
		}
		u.Targets = append(u.Targets, target)
		a.show("targets", randomID(), t, "upstream", id)
	}
}

func (a *assembler) service(e entry) {
	s := &Service{Workspace: DefaultWorkspace}
	a.decode(e, s)
	a.meta(&s.Meta, namedID("services", s.Name))
	a.unique(e, "services", "name", s.Name)
	a.show("services", s.ID, e)
	if s.Upstream = a.upstreams[s.Host]; s.Upstream == nil {
		s.Upstream = a.plainHost(s.Host, s.Port)
	}
	s.TLS = a.upstreamTLS(e, s)
	for _, r := range e.nested("routes") {
		a.route(r, s)
	}
	a.plugins(e, scope{service: s.ID})
}

// plainHost is the upstream of a service whose host is no upstream's name: its one target is
// the host itself. Services with the same one share it.
func (a *assembler) plainHost(host string, port int) *Upstream {
	name := net.JoinHostPort(host, strconv.Itoa(port)) // no upstream's: those have no colon
	known := a.upstreams[name]
	if known == nil {
		known = &Upstream{Name: name, Targets: []*Target{a.loader.opts.Hosts.plain(host, port)}}
		a.upstreams[name] = known
		a.config.Upstreams = append(a.config.Upstreams, known)
	}
	return known
}

func (a *assembler) route(e entry, s *Service) {
	r := &Route{Workspace: DefaultWorkspace, Service: s}
	a.decode(e, r)
	a.meta(&r.Meta, namedID("routes", r.Name))
	r.ServiceRef.ID = s.ID
	a.unique(e, "routes", "name", r.Name)
	a.show("routes", r.ID, e, "service", s.ID)
	a.config.Routes = append(a.config.Routes, r)
	a.plugins(e, scope{route: r.ID})
}

// scope is where a plugin stands in the document: the id of what it is nested in.
type scope struct{ route, service string }

func (a *assembler) plugins(parent entry, in scope) {
	for _, e := range parent.nested("plugins") {
		a.plugin(e, in)
	}
}

func (a *assembler) plugin(e entry, in scope) {
	p := &Plugin{RouteID: in.route, ServiceID: in.service}
	a.decode(e, p)
	a.meta(&p.Meta, entityID("plugins", compoundKey("plugins", p.Name, in.route, in.service, "")))
	a.unique(e, "plugins", "primary key", p.ID)
	switch {
	case in.route != "":
		a.show("plugins", p.ID, e, "route", in.route)
	case in.service != "":
		a.show("plugins", p.ID, e, "service", in.service)
	default:
		a.show("plugins", p.ID, e)
	}
	a.refuseReferences(p.Config, e.at.At("config"))
	d, err := a.loader.plugins.find(p.Name)
	if err != nil {
		a.fail(e.at.At("name"), oneLine(err))
	}
	p.Info = d.info
	a.config.Plugins = append(a.config.Plugins, p)
}

// refuseReferences reports vault references, which Kong replaces by the values of
// secrets.
func (a *assembler) refuseReferences(value any, at schema.Path) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			a.refuseReferences(value[name], at.At(name))
		}
	case []any:
		for i, v := range value {
			a.refuseReferences(v, at.At(i))
		}
	default:
		if schema.IsReference(value) {
			a.fail(at, "the dev gateway does not resolve vault references: write the value itself, or "+onKong)
		}
	}
}
