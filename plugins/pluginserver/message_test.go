package pluginserver

import (
	"bytes"
	"errors"
	"io"
	"testing"

	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func eventCall(sequence int64, id int32, phase string) []byte {
	b, _ := proto.Marshal(&kpp.RpcCall{Sequence: sequence, Call: &kpp.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &kpp.CmdHandleEvent{InstanceId: id, EventName: phase},
	}})
	return b
}

func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	for p, name := range phaseNames {
		c, err := decodeCall(eventCall(7, 42, name))
		if err != nil || c.other != nil || c.sequence != 7 || c.instanceID != 42 || c.phase != phase(p) {
			t.Errorf("decodeCall of %s = %+v, %v", name, c, err)
		}
	}
	// Kong's encoder writes fields in any order.
	body := eventCall(7, 42, "log")
	_, _, n := protowire.ConsumeField(body)
	swapped := append(bytes.Clone(body[n:]), body[:n]...)
	if c, err := decodeCall(swapped); err != nil || c.other != nil || c.sequence != 7 {
		t.Errorf("decodeCall of swapped fields = %+v, %v", c, err)
	}
	if c, err := decodeCall(eventCall(7, 42, "made-up")); err != nil || c.other == nil {
		t.Errorf("decodeCall of an unknown phase = %+v, %v; want it left to proto", c, err)
	}
	if _, err := decodeCall([]byte{0xff}); err == nil {
		t.Error("decodeCall took garbage")
	}
}

func FuzzDecodeCall(f *testing.F) {
	f.Add(eventCall(1, 2, "access"))
	f.Add(eventCall(-1, -2, "log"))
	f.Add(append(eventCall(1, 2, "access"), eventCall(3, 4, "log")...))
	f.Fuzz(func(t *testing.T, frame []byte) {
		c, ok := decodeEvent(frame)
		if !ok {
			return
		}
		var want kpp.RpcCall
		if err := proto.Unmarshal(frame, &want); err != nil {
			t.Fatalf("decodeEvent took what proto refuses: %v", err)
		}
		e := want.GetCmdHandleEvent()
		if c.sequence != want.Sequence || c.instanceID != e.GetInstanceId() || phaseNames[c.phase] != e.GetEventName() {
			t.Errorf("decodeEvent = %+v, proto says %v", c, &want)
		}
	})
}

func FuzzAppendReturn(f *testing.F) {
	f.Add(int64(0))
	f.Add(int64(-1))
	f.Add(int64(1 << 40))
	f.Fuzz(func(t *testing.T, sequence int64) {
		want, err := proto.Marshal(&kpp.RpcReturn{Sequence: sequence})
		if err != nil {
			t.Fatal(err)
		}
		if got := appendReturn(nil, sequence); !bytes.Equal(got, want) {
			t.Errorf("appendReturn(%d) = %x, want %x", sequence, got, want)
		}
	})
}

func FuzzDecodeFrame(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{9, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		const limit = 1 << 16
		r := newFrameReader(bytes.NewReader(stream), limit)
		var again []byte
		for {
			frame, err := r.frame(nil)
			if err != nil {
				if errors.Is(err, io.EOF) && len(again) != len(stream) {
					t.Errorf("a clean end after %d of %d bytes", len(again), len(stream))
				}
				return
			}
			if len(frame) > limit || cap(frame) > 4*len(stream)+2*readBuffer {
				t.Fatalf("frame of %d bytes (%d allocated) out of %d", len(frame), cap(frame), len(stream))
			}
			again = appendFrame(again, frame)
			if !bytes.HasPrefix(stream, again) {
				t.Fatalf("frames %x are not what was sent, %x", again, stream)
			}
		}
	})
}
