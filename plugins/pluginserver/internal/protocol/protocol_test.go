package protocol

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
	body := eventCall(7, 42, "log")
	_, _, n := protowire.ConsumeField(body)
	for name, frame := range map[string][]byte{
		"in order":       body,
		"in another one": append(bytes.Clone(body[n:]), body[:n]...), // as Kong's encoder likes
	} {
		e, ok := DecodeEvent(frame)
		if !ok || e.Sequence != 7 || e.InstanceID != 42 || string(e.Phase) != "log" {
			t.Errorf("%s: %+v, %v", name, e, ok)
		}
	}
	start, _ := proto.Marshal(&kpp.RpcCall{Sequence: 1, Call: &kpp.RpcCall_CmdStartInstance{CmdStartInstance: &kpp.CmdStartInstance{}}})
	for name, frame := range map[string][]byte{
		"another call":  start,
		"no call":       {8, 7},
		"garbage":       {0xff},
		"a field twice": append(bytes.Clone(body), body...),
	} {
		if e, ok := DecodeEvent(frame); ok {
			t.Errorf("%s: decoded as %+v", name, e)
		}
	}
}

func TestDecodeCall(t *testing.T) {
	t.Parallel()
	twice := append(eventCall(7, 42, "log"), eventCall(8, 43, "log")...)
	if c, err := DecodeCall(twice); err != nil || c.Sequence != 8 || c.GetCmdHandleEvent().GetInstanceId() != 43 {
		t.Errorf("fields that occur twice: %v, %v", c, err)
	}
	if _, err := DecodeCall([]byte{0xff}); err == nil {
		t.Error("DecodeCall took garbage")
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add(eventCall(1, 2, "access"))
	f.Add(eventCall(-1, -2, "log"))
	f.Add(append(eventCall(1, 2, "access"), eventCall(3, 4, "log")...))
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, ok := DecodeEvent(frame)
		if !ok {
			return
		}
		var want kpp.RpcCall
		if err := proto.Unmarshal(frame, &want); err != nil {
			t.Fatalf("DecodeEvent took what proto refuses: %v", err)
		}
		e := want.GetCmdHandleEvent()
		if got.Sequence != want.Sequence || got.InstanceID != e.GetInstanceId() || string(got.Phase) != e.GetEventName() {
			t.Errorf("DecodeEvent = %+v, proto says %v", got, &want)
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
		if got := AppendReturn(nil, sequence); !bytes.Equal(got, want) {
			t.Errorf("AppendReturn(%d) = %x, want %x", sequence, got, want)
		}
	})
}

func FuzzDecodeFrame(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{9, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		const limit = 1 << 16
		r, plain := NewReader(bytes.NewReader(stream), limit), bytes.NewReader(stream)
		var again []byte
		for {
			frame, err := r.Frame(nil)
			same, sameErr := ReadFrame(plain, limit)
			if (err == nil) != (sameErr == nil) || errors.Is(err, io.EOF) != errors.Is(sameErr, io.EOF) || err == nil && !bytes.Equal(same, frame) {
				t.Fatalf("Frame is %x, %v; ReadFrame is %x, %v", frame, err, same, sameErr)
			}
			if err != nil {
				if errors.Is(err, io.EOF) && len(again) != len(stream) {
					t.Errorf("a clean end after %d of %d bytes", len(again), len(stream))
				}
				return
			}
			if len(frame) > limit || cap(frame) > 4*len(stream)+2*BufferSize {
				t.Fatalf("frame of %d bytes (%d allocated) out of %d", len(frame), cap(frame), len(stream))
			}
			again = AppendFrame(again, frame)
			if !bytes.HasPrefix(stream, again) {
				t.Fatalf("frames %x are not what was sent, %x", again, stream)
			}
		}
	})
}
