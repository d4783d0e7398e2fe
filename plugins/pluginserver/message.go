package pluginserver

import (
	"fmt"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The field numbers of pluginsocket.proto that an event is made of.
const (
	fieldSequence   protowire.Number = 1
	fieldEvent      protowire.Number = 36 // RpcCall.cmd_handle_event
	fieldInstanceID protowire.Number = 1
	fieldEventName  protowire.Number = 2
)

// call is a decoded RpcCall.
type call struct {
	sequence   int64
	instanceID int32        // of an event
	phase      phase        // of an event
	other      *kpp.RpcCall // nil if the call is an event of a known phase
}

// decodeCall decodes an RpcCall: an event, which is nearly every call, without
// allocating, and anything else or anything unusual with package proto.
func decodeCall(frame []byte) (call, error) {
	if c, ok := decodeEvent(frame); ok {
		return c, nil
	}
	m := new(kpp.RpcCall)
	if err := proto.Unmarshal(frame, m); err != nil {
		return call{}, fmt.Errorf("decode call: %w", err)
	}
	return call{sequence: m.Sequence, other: m}, nil
}

// decodeEvent decodes a call of cmd_handle_event in which each field occurs at
// most once, in any order, and the phase is a known one.
func decodeEvent(frame []byte) (c call, ok bool) {
	event := []byte(nil)
	for sequenced := false; len(frame) > 0; {
		num, typ, n := protowire.ConsumeTag(frame)
		if n < 0 {
			return c, false
		}
		frame = frame[n:]
		switch {
		case num == fieldSequence && typ == protowire.VarintType && !sequenced:
			v, n := protowire.ConsumeVarint(frame)
			if n < 0 {
				return c, false
			}
			c.sequence, sequenced, frame = int64(v), true, frame[n:]
		case num == fieldEvent && typ == protowire.BytesType && event == nil:
			v, n := protowire.ConsumeBytes(frame)
			if n <= 0 {
				return c, false
			}
			event, frame = v, frame[n:]
		default:
			return c, false
		}
	}
	return c, c.decodeBody(event)
}

// decodeBody decodes CmdHandleEvent.
func (c *call) decodeBody(body []byte) (ok bool) {
	var name []byte
	for identified := false; len(body) > 0; {
		num, typ, n := protowire.ConsumeTag(body)
		if n < 0 {
			return false
		}
		body = body[n:]
		switch {
		case num == fieldInstanceID && typ == protowire.VarintType && !identified:
			v, n := protowire.ConsumeVarint(body)
			if n < 0 {
				return false
			}
			c.instanceID, identified, body = int32(v), true, body[n:]
		case num == fieldEventName && typ == protowire.BytesType && name == nil:
			v, n := protowire.ConsumeBytes(body)
			if n < 0 {
				return false
			}
			name, body = v, body[n:]
		default:
			return false
		}
	}
	c.phase, ok = phaseOf(name)
	return ok
}

// appendReturn appends an RpcReturn that says nothing but its sequence.
func appendReturn(b []byte, sequence int64) []byte {
	if sequence == 0 {
		return b
	}
	b = protowire.AppendTag(b, fieldSequence, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(sequence))
}
