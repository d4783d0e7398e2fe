package pdkserver

import (
	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
)

// credential has no consumer id: Kong's credentials name their consumer in a
// field that the protocol does not have.
func credential(s *Session) (proto.Message, error) {
	if s.X.Credential == nil {
		return nil, nil
	}
	return &kong.AuthenticatedCredential{Id: s.X.Credential.ID}, nil
}

func consumer(s *Session) (proto.Message, error) {
	c := s.X.Consumer
	if c == nil {
		return nil, nil
	}
	return &kong.Consumer{Id: c.ID, CreatedAt: c.CreatedAt, Username: c.Username, CustomId: c.CustomID, Tags: c.Tags}, nil
}

func route(s *Session) (proto.Message, error) {
	r := s.X.Route()
	if r == nil {
		return nil, nil
	}
	return &kong.Route{
		Id: r.ID, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Name: r.Name,
		Protocols: r.Protocols, Methods: r.Methods, Paths: r.Paths,
		HttpsRedirectStatusCode: int32(r.HTTPSRedirectStatusCode), RegexPriority: int32(r.RegexPriority),
		StripPath: r.StripPath, PreserveHost: r.PreserveHost, Tags: r.Tags,
		Service: &kong.ServiceKey{Id: r.ServiceRef.ID},
	}, nil
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
