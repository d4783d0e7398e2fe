package pdkserver

import (
	"os"
	"runtime"
	"strings"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

func setShared(s *Session, k string, v any) error {
	s.X.Shared.Set(k, v)
	return nil
}

func getShared(s *Session, k string) (proto.Message, error) { return toValue(s.X.Shared.Get(k)), nil }

// ctx is the request's ngx.ctx, or a log event's copy of it.
func (s *Session) ctx() *exchange.Table {
	if s.Saved != nil {
		return s.Saved.Ctx
	}
	return s.X.Ctx
}

func setCtx(s *Session, k string, v any) error {
	s.ctx().Set(k, v)
	return nil
}

func getCtx(s *Session, k string) (proto.Message, error) { return toValue(s.ctx().Get(k)), nil }

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

func nginxVar(s *Session, name string) (proto.Message, error) {
	v, _ := s.X.Var(name)
	return str(v), nil
}

// tlsVersion is empty: the dev gateway listens without TLS.
func tlsVersion(*Session) string { return "" }

func subsystem(*Session) string { return "http" }

func startTime(s *Session) (proto.Message, error) {
	return number(float64(s.X.Start.UnixMilli()) / 1000), nil
}

func nodeID(s *Session) string { return s.NodeID }

// memoryStats has Kong's sizes of its shared dictionaries, of which the dev
// gateway uses nothing, and its own heap as that of the one worker.
func memoryStats(*Session) (proto.Message, error) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return &kong.MemoryStats{
		LuaSharedDicts: &kong.MemoryStats_LuaSharedDicts{
			Kong:        &kong.MemoryStats_LuaSharedDicts_DictStats{Capacity: 5 << 20},
			KongDbCache: &kong.MemoryStats_LuaSharedDicts_DictStats{Capacity: 128 << 20},
		},
		WorkersLuaVms: []*kong.MemoryStats_WorkerLuaVm{{Pid: int64(os.Getpid()), HttpAllocatedGc: int64(mem.HeapAlloc)}},
	}, nil
}
