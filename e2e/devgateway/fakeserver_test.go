package devgateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/Kong/go-pdk"
	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// fakeServer is a plugin server with one plugin, "probe", made of functions.
type fakeServer struct {
	socket string
	phases []string
	// on runs an event on its connection. An error closes the connection in the
	// middle of it.
	on func(phase string, conn net.Conn) error
	// hangUp, unless nil, makes the server close its connection after an event
	// and say so here.
	hangUp chan struct{}

	mu      sync.Mutex
	started []map[string]any // configurations of StartInstance, in order
	closed  []int32
	conns   int
	live    map[int32]bool
}

// withPDK makes an event of a function on go-pdk's own PDK.
func withPDK(f func(phase string, kong *pdk.PDK)) func(string, net.Conn) error {
	return func(phase string, conn net.Conn) error {
		f(phase, pdk.Init(conn))
		return nil
	}
}

func startFakeServer(t *testing.T, phases []string, on func(string, net.Conn) error) *fakeServer {
	t.Helper()
	s := &fakeServer{socket: filepath.Join(t.TempDir(), "p.sock"), phases: phases, on: on, live: map[int32]bool{}}
	listener, err := net.Listen("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			go s.serve(conn)
		}
	}()
	return s
}

func (s *fakeServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		var cmd kong.RpcCall
		if readMessage(conn, &cmd) != nil {
			return
		}
		ret, err := s.handle(conn, &cmd)
		if err != nil {
			return
		}
		ret.Sequence = cmd.GetSequence()
		data, err := proto.Marshal(ret)
		if err != nil || kongtest.WriteFrame(conn, data) != nil {
			return
		}
		if _, event := cmd.GetCall().(*kong.RpcCall_CmdHandleEvent); event && s.hangUp != nil {
			_ = conn.Close()
			s.hangUp <- struct{}{}
			return
		}
	}
}

func (s *fakeServer) handle(conn net.Conn, cmd *kong.RpcCall) (*kong.RpcReturn, error) {
	switch c := cmd.GetCall().(type) {
	case *kong.RpcCall_CmdStartInstance:
		s.mu.Lock()
		defer s.mu.Unlock()
		var config map[string]any
		if err := json.Unmarshal(c.CmdStartInstance.GetConfig(), &config); err != nil {
			return nil, err
		}
		s.started = append(s.started, config)
		id := int32(len(s.started))
		s.live[id] = true
		return &kong.RpcReturn{Return: &kong.RpcReturn_InstanceStatus{
			InstanceStatus: &kong.InstanceStatus{Name: c.CmdStartInstance.GetName(), InstanceId: id},
		}}, nil
	case *kong.RpcCall_CmdCloseInstance:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = append(s.closed, c.CmdCloseInstance.GetInstanceId())
		return &kong.RpcReturn{}, nil
	case *kong.RpcCall_CmdHandleEvent:
		if err := s.on(c.CmdHandleEvent.GetEventName(), conn); err != nil {
			return nil, err
		}
		return &kong.RpcReturn{}, kongtest.WriteFrame(conn, nil)
	default:
		return nil, fmt.Errorf("unexpected command %T", c)
	}
}

func (s *fakeServer) instances() (started []map[string]any, closed []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any(nil), s.started...), append([]int32(nil), s.closed...)
}

// info answers the query command.
func (s *fakeServer) info(name string) ([]byte, error) {
	if name != "probe" {
		return nil, errors.New("exit status 2")
	}
	return json.Marshal(map[string]any{
		"Protocol": "ProtoBuf:1",
		"Plugins": []map[string]any{{
			"Name": name, "Priority": 905, "Version": "0.1.0", "Phases": s.phases,
			"Schema": map[string]any{"name": name, "fields": []any{map[string]any{"config": map[string]any{
				"type": "record",
				"fields": []any{
					map[string]any{"limit": map[string]any{"type": "integer", "default": 10, "between": []int{1, 100}}},
					map[string]any{"names": map[string]any{"type": "array", "elements": map[string]any{"type": "string"}, "default": []string{}}},
				},
			}}}},
		}},
	})
}

func readMessage(r io.Reader, m proto.Message) error {
	data, err := kongtest.ReadFrame(r)
	if err != nil {
		return err
	}
	return proto.Unmarshal(data, m)
}
