package pdkserver

import (
	"errors"
	"fmt"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
)

func route(s *Session) (proto.Message, error) {
	r := s.X.Route()
	if r == nil {
		return nil, nil
	}
	wire := &kong.Route{
		Id: r.ID, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Name: r.Name,
		Protocols: r.Protocols, Methods: r.Methods, Hosts: r.Hosts, Paths: r.Paths,
		HttpsRedirectStatusCode: int32(r.HTTPSRedirectStatusCode), RegexPriority: int32(r.RegexPriority),
		StripPath: r.StripPath, PreserveHost: r.PreserveHost, Tags: r.Tags,
	}
	if r.ServiceRef != nil {
		wire.Service = &kong.ServiceKey{Id: r.ServiceRef.ID}
	}
	return wire, nil
}

func service(s *Session) (proto.Message, error) {
	v := s.X.Service()
	if v == nil {
		return nil, nil
	}
	return &kong.Service{
		Id: v.ID, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, Name: v.Name, Retries: int32(v.Retries),
		Protocol: v.Protocol, Host: v.Host, Port: int32(v.Port), Path: v.Path,
		ConnectTimeout: int32(v.ConnectTimeout), WriteTimeout: int32(v.WriteTimeout), ReadTimeout: int32(v.ReadTimeout),
		Tags: v.Tags,
	}, nil
}

var errNoBalancer = errors.New("attempt to index field 'balancer_data' (a nil value)")

// setUpstream returns false, which is no value, for an upstream that is not
// configured.
func setUpstream(s *Session, name string) (proto.Message, error) {
	if s.X.Balancer == nil {
		return nil, errNoBalancer
	}
	if s.X.Config.Upstreams[name] == nil {
		return &kong.Bool{}, nil
	}
	s.X.Balancer.Host = name
	return &kong.Bool{V: true}, nil
}

func setTarget(s *Session, t *kong.Target) (proto.Message, error) {
	if t.GetPort() < 0 || t.GetPort() > 65535 {
		return nil, fmt.Errorf("port must be an integer between 0 and 65535: given %d", t.GetPort())
	}
	s.X.UpstreamHost = t.GetHost()
	if s.X.Balancer == nil {
		return nil, errNoBalancer
	}
	s.X.Balancer.Host, s.X.Balancer.Port = t.GetHost(), int(t.GetPort())
	return nil, nil
}

// noUpstreamResponse stands for kong.service.response: what it reads is gone
// when a log event runs, and not there before.
func noUpstreamResponse(*Session) (proto.Message, error) { return nil, errTimer }
