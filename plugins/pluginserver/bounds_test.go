package pluginserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func TestHalfAFrameClosesTheConnection(t *testing.T) {
	t.Parallel()
	for name, half := range map[string][]byte{
		"half a head":  {1, 0},
		"a head":       {9, 0, 0, 0},
		"half a frame": {9, 0, 0, 0, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := pipe(t, Options{}, accessPlugin(func(*pdk.PDK) {}))
				time.Sleep(24 * time.Hour) // an idle connection stays
				if _, err := srv.run(t, "access", kongtest.Request{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(24 * time.Hour)
				if _, err := srv.run(t, "access", kongtest.Request{}); err != nil {
					t.Fatal(err)
				}
				_, _ = srv.far.Write(half)
				began := time.Now()
				if _, err := srv.far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("the connection ended with %v, want EOF", err)
				}
				if took := time.Since(began); took < ioTimeout/2 || took > ioTimeout {
					t.Errorf("it took %v, want %v at most, and half of it at least", took, ioTimeout)
				}
				<-srv.ended
				if got := srv.metric(t, "connection_timeouts_total", nil); got != 1 {
					t.Errorf("timeouts = %v, want 1", got)
				}
			})
		})
	}
}

// TestAPeerThatDoesNotRead makes calls to a Kong that has stopped in mid-event.
func TestAPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failed := make(chan error, 1)
		srv := pipe(t, Options{}, accessPlugin(func(kong *pdk.PDK) {
			_, err := kong.Request.GetPath()
			failed <- err
		}))
		_ = kongtest.WriteFrame(srv.far, eventCall(1, srv.instances.start("test", nil).id, "access"))
		began := time.Now()
		<-srv.ended
		if took := time.Since(began); took > ioTimeout || <-failed == nil {
			t.Errorf("the connection ended after %v, want %v at most and an error for the handler", took, ioTimeout)
		}
	})
}

// TestAPeerThatDoesNotReply reads a call and is silent for ever.
func TestAPeerThatDoesNotReply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pipe(t, Options{}, accessPlugin(func(kong *pdk.PDK) { _, _ = kong.Request.GetPath() }))
		_ = kongtest.WriteFrame(srv.far, eventCall(1, srv.instances.start("test", nil).id, "access"))
		began := time.Now()
		_, _ = io.Copy(io.Discard, srv.far)
		if took := time.Since(began); took < replyTimeout || took > replyTimeout+ioTimeout {
			t.Errorf("the connection ended after %v, want about %v", took, replyTimeout)
		}
	})
}

func TestEventsBeyondTheBoundWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pipe(t, Options{MaxEvents: 1}, timed(accessPlugin(func(*pdk.PDK) { time.Sleep(DefaultDeadline * 3 / 4) })))
		other := &event{inst: &instance{plugin: srv.plugins["test"]}, phase: access}
		srv.enter(other)
		began := time.Now()
		time.AfterFunc(time.Second, func() { srv.leave(other) })
		_, err := srv.run(t, "access", kongtest.Request{})
		if took := time.Since(began); err != nil || took != time.Second+DefaultDeadline*3/4 {
			t.Errorf("the event took %v, %v; want it to wait a second and be in time then", took, err)
		}
		if got := srv.metric(t, "event_waits_total", nil); got != 1 {
			t.Errorf("waits = %v, want 1", got)
		}
		synctest.Wait()
		if got := srv.metric(t, "events_running", nil); got != 0 {
			t.Errorf("events running = %v, want 0", got)
		}
	})
}

// reloads is how many times Kong gets a new configuration in a test.
const reloads = 10_000

// TestReloadsDoNotGrow has Kong start a new configuration and close the old,
// and has it forget to.
func TestReloadsDoNotGrow(t *testing.T) {
	for name, tt := range map[string]struct {
		closes bool
		most   int
		left   int
	}{
		"closed":    {true, 0, 1},
		"forgotten": {false, 100, 100},
	} {
		t.Run(name, func(t *testing.T) {
			var open atomic.Int64
			srv, err := New(Options{MaxInstances: tt.most}, plain("test", func() any {
				ballast := make([]byte, 10<<10)
				return &funcConfig{
					access:  func(*pdk.PDK) { _ = ballast },
					build:   func(*funcConfig) error { open.Add(1); return nil },
					onClose: func() { open.Add(-1) },
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			before := heap()
			old := int32(0)
			for i := range reloads {
				id := srv.instances.start("test", fmt.Appendf(nil, `{"key":"%d","__seq__":%d}`, i, i)).id
				if tt.closes {
					srv.instances.closeOne(old)
				}
				old = id
			}
			if n := len(srv.instances.byID); n > tt.left || len(srv.instances.byKey) != n {
				t.Errorf("%d instances by id, %d by content; want at most %d", n, len(srv.instances.byKey), tt.left)
			}
			if grown := heap() - before; grown > 4<<20 {
				t.Errorf("the heap grew by %d KiB", grown>>10)
			}
			srv.instances.closeAll()
			for open.Load() > 0 { // those that were evicted are closed beside
				runtime.Gosched()
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestEvictionKeepsWhatIsUsed starts more instances than may be: the ones
// closed are those that had no event for the longest, and none with one.
func TestEvictionKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := New(Options{MaxInstances: 32}, accessPlugin(func(*pdk.PDK) {}))
		if err != nil {
			t.Fatal(err)
		}
		running := srv.instances.start("test", []byte(`{"key":"running"}`))
		srv.instances.acquire(running.id)
		var ids []int32
		for i := range 40 {
			time.Sleep(time.Second)
			ids = append(ids, srv.instances.start("test", fmt.Appendf(nil, `{"key":"%d"}`, i)).id)
		}
		synctest.Wait()
		if srv.instances.find(running.id) == nil || srv.instances.find(ids[0]) != nil || srv.instances.find(ids[39]) == nil {
			t.Error("want the running one and the last to be there, the first to be gone")
		}
	})
}

// TestGarbageOnTheSocket sends each event in two halves, and lengths that no
// frame of Kong has.
func TestGarbageOnTheSocket(t *testing.T) {
	t.Parallel()
	srv := serve(t, Options{MaxFrame: 1 << 16}, accessPlugin(func(*pdk.PDK) {}))
	for _, n := range []uint32{1<<16 + 1, 1 << 31, 1<<32 - 1} {
		conn, err := net.Dial("unix", srv.path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write(binary.LittleEndian.AppendUint32(nil, n))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a frame of %d bytes: %v, want the connection closed at once", n, err)
		}
		_ = conn.Close()
	}
	srv.event(t, srv.mustStart(t, "test", []byte(`{}`)), kongtest.Request{})
	_ = srv.stop()
	if got := srv.metric(t, "bad_frames_total", nil); got != 3 {
		t.Errorf("bad frames = %v, want 3", got)
	}
	if n := strings.Count(srv.logs.String(), "connection closed"); n != 1 {
		t.Errorf("%d log lines, want 1 in a second", n)
	}
}
