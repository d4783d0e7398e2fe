package pdkserver

import (
	"errors"
	"regexp"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

func clientIP(s *Session) string { return s.X.Conn.RemoteAddr }

func clientPort(s *Session) (proto.Message, error) { return integer(s.X.Conn.RemotePort), nil }

// credential has no consumer id: Kong's credentials name their consumer in a
// field that the protocol does not have.
func credential(s *Session) (proto.Message, error) {
	if s.X.Credential == nil {
		return nil, nil
	}
	return &kong.AuthenticatedCredential{Id: s.X.Credential.ID}, nil
}

func consumer(s *Session) (proto.Message, error) { return wireConsumer(s.X.Consumer), nil }

func wireConsumer(c *config.Consumer) proto.Message {
	if c == nil {
		return nil
	}
	return &kong.Consumer{Id: c.ID, CreatedAt: c.CreatedAt, Username: c.Username, CustomId: c.CustomID, Tags: c.Tags}
}

var uuidPattern = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func loadConsumer(s *Session, spec *kong.ConsumerSpec) (proto.Message, error) {
	if !uuidPattern.MatchString(spec.GetId()) && !spec.GetByUsername() {
		return nil, errors.New("cannot load a consumer with an id that is not a uuid")
	}
	return wireConsumer(s.X.Config.Consumer(spec.GetId(), spec.GetByUsername())), nil
}

func authenticate(s *Session, args *kong.AuthenticateArgs) (proto.Message, error) {
	if args.GetConsumer() == nil && args.GetCredential() == nil {
		return nil, errors.New("either credential or consumer must be provided")
	}
	s.X.Consumer, s.X.Credential = nil, nil
	if c := args.GetConsumer(); c != nil {
		s.X.Consumer = &config.Consumer{
			Meta:     config.Meta{ID: c.GetId(), CreatedAt: c.GetCreatedAt(), Tags: c.GetTags()},
			Username: c.GetUsername(),
			CustomID: c.GetCustomId(),
		}
		if known := s.X.Config.Consumer(c.GetId(), false); known != nil {
			s.X.Consumer.Groups = known.Groups
		}
	}
	if c := args.GetCredential(); c != nil {
		s.X.Credential = &exchange.Credential{ID: c.GetId()}
	}
	return nil, nil
}

// protocol is http, whatever a proxy in front says: no address is trusted.
func protocol(s *Session, _ *kong.Bool) (proto.Message, error) {
	r := s.X.Route()
	switch {
	case r == nil:
		return str(""), nil
	case len(r.Protocols) == 1:
		return str(r.Protocols[0]), nil
	default:
		return str("http"), nil
	}
}

// isTrusted is false: Kong trusts no address unless trusted_ips names some.
func isTrusted(*Session, string) (proto.Message, error) { return &kong.Bool{V: false}, nil }
