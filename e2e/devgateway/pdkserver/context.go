package pdkserver

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

func setShared(s *Session, k string, v any) error {
	s.X.Shared.Set(k, v)
	return nil
}

func getShared(s *Session, k string) (proto.Message, error) { return toValue(s.X.Shared.Get(k)), nil }

// getCtx has KONG_PHASE only, by which a plugin learns its phase.
func getCtx(s *Session, k string) (proto.Message, error) {
	if k != "KONG_PHASE" {
		return nil, fmt.Errorf("the dev gateway has ngx.ctx.KONG_PHASE only, not %q", k)
	}
	return toValue(float64(s.phase())), nil
}

// logAt writes what a plugin logs as Kong does, which names the line of its own
// source that calls the logger.
func logAt(severity nginxlog.Severity) handler {
	return onMessage(func(s *Session, args *structpb.ListValue) (proto.Message, error) {
		var b strings.Builder
		b.WriteString("[kong] pb_rpc.lua:233 ")
		for _, v := range fromList(args) {
			b.WriteString(luaString(v))
		}
		s.Log(severity, b.String())
		return nil, nil
	})
}

// setSerializeValue has no effect in a log event: that has its own copy.
func setSerializeValue(s *Session, k string, v any) error {
	if s.Saved == nil {
		s.X.SetSerializeValue(k, v)
	}
	return nil
}

func serialize(s *Session) string { return s.Saved.Serialized }

// nginxVar throws for a variable that the dev gateway does not have. nginx gives an empty
// string for a variable that does not exist.
func nginxVar(s *Session, name string) (proto.Message, error) {
	v, err := s.X.Var(name)
	return str(v), err
}
