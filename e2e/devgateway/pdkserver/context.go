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

// getCtx has KONG_PHASE, by which a plugin learns its phase, and the client's headers.
func getCtx(s *Session, k string) (proto.Message, error) {
	switch k {
	case "KONG_PHASE":
		return toValue(float64(s.phase())), nil
	case "cached_request_headers":
		return encoded(tableValue(s.X.CopiedHeaders())), nil
	}
	return nil, fmt.Errorf("the dev gateway has no ngx.ctx.%s", k)
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
