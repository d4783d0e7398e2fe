package protocol

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

// Event is a call of cmd_handle_event: Kong runs a phase of a plugin's instance.
type Event struct {
	Sequence   int64
	InstanceID int32
	Phase      []byte // its name; a part of the frame
}

// DecodeCall decodes a call of any kind.
func DecodeCall(frame []byte) (*kpp.RpcCall, error) {
	m := new(kpp.RpcCall)
	if err := proto.Unmarshal(frame, m); err != nil {
		return nil, fmt.Errorf("decode call: %w", err)
	}
	return m, nil
}

// DecodeEvent decodes an event without allocating, where each field occurs at most once,
// in any order. That is nearly every call; any other is for DecodeCall.
func DecodeEvent(frame []byte) (e Event, ok bool) {
	event := []byte(nil)
	for sequenced := false; len(frame) > 0; {
		num, typ, n := protowire.ConsumeTag(frame)
		if n < 0 {
			return e, false
		}
		frame = frame[n:]
		switch {
		case num == fieldSequence && typ == protowire.VarintType && !sequenced:
			v, n := protowire.ConsumeVarint(frame)
			if n < 0 {
				return e, false
			}
			e.Sequence, sequenced, frame = int64(v), true, frame[n:]
		case num == fieldEvent && typ == protowire.BytesType && event == nil:
			v, n := protowire.ConsumeBytes(frame)
			if n <= 0 {
				return e, false
			}
			event, frame = v, frame[n:]
		default:
			return e, false
		}
	}
	return e, event != nil && e.decodeBody(event)
}

// decodeBody decodes CmdHandleEvent.
func (e *Event) decodeBody(body []byte) (ok bool) {
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
			e.InstanceID, identified, body = int32(v), true, body[n:]
		case num == fieldEventName && typ == protowire.BytesType && e.Phase == nil:
			v, n := protowire.ConsumeBytes(body)
			if n < 0 {
				return false
			}
			e.Phase, body = v, body[n:]
		default:
			return false
		}
	}
	return true
}

// AppendReturn appends an RpcReturn that says nothing but its sequence.
func AppendReturn(b []byte, sequence int64) []byte {
	if sequence == 0 {
		return b
	}
	b = protowire.AppendTag(b, fieldSequence, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(sequence))
}
