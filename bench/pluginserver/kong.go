package pluginserver

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"sync"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// connections are as many as a worker of Kong has under a load of 16 clients.
const connections = 16

// drive runs events of an instance as Kong does: on connections that stay open,
// each frame in two writes, a reply for each call as it comes.
func drive(socket string, instance int32, events int) error {
	errs := make(chan error, connections)
	var running sync.WaitGroup
	for range connections {
		running.Go(func() { errs <- driveOne(socket, instance, events/connections) })
	}
	running.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func driveOne(socket string, instance int32, events int) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("connect to plugin server: %w", err)
	}
	defer conn.Close()
	call, err := proto.Marshal(&kpp.RpcCall{Sequence: 1, Call: &kpp.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &kpp.CmdHandleEvent{InstanceId: instance, EventName: "access"},
	}})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	in := bufio.NewReader(conn)
	for range events {
		if err := event(conn, in, call); err != nil {
			return fmt.Errorf("run event: %w", err)
		}
	}
	return nil
}

// text is the reply to every call that has one.
var text = []byte{10, 1, '/'}

func event(conn net.Conn, in *bufio.Reader, call []byte) error {
	if err := kongtest.WriteFrame(conn, call); err != nil {
		return err
	}
	for {
		method, err := kongtest.ReadFrame(in)
		if err != nil {
			return err
		}
		if len(method) == 0 {
			_, err = kongtest.ReadFrame(in) // the return
			return err
		}
		if _, err := kongtest.ReadFrame(in); err != nil {
			return err
		}
		reply := []byte(nil)
		if bytes.Contains(method, []byte(".get")) {
			reply = text
		}
		if err := kongtest.WriteFrame(conn, reply); err != nil {
			return err
		}
	}
}
