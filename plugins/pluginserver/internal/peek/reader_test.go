package peek

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// socketPair is a connection with the buffers of a real one.
func socketPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socketpair")
		if conns[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		t.Cleanup(func() { _ = conns[i].Close() })
	}
	return conns[0], conns[1]
}

// What is left unread must never fill the kernel's buffer: Kong's writes would
// block while this side waits for them.
func TestUnreadBytesDoNotStopKong(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	in := NewReader(near)
	const packets = 20_000
	written := make(chan error, 1)
	go func() {
		for range packets {
			if _, err := far.Write([]byte("1234")); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	_ = near.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(in, make([]byte, 4*packets)); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if in.raw != nil && (in.held == 0 || in.held > holdLimit+4<<10) {
		t.Errorf("%d bytes are held, want some and not many", in.held)
	}
	if err := in.Take(0); err != nil || in.held != 0 {
		t.Errorf("after taking %d bytes are held, error %v", in.held, err)
	}
}

// TestWaitingForAWriterThatWaits reads so much of what fills the kernel's buffer that the
// rest keeps the writer from going on, and is little enough to be held.
func TestWaitingForAWriterThatWaits(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	in := NewReader(near)
	_ = near.SetDeadline(time.Now().Add(10 * time.Second))
	_ = far.SetDeadline(time.Now().Add(10 * time.Second))
	full, written := make(chan int), make(chan error)
	go func() { // writes packets until there is no room, and then one more
		packets, waits := 0, false
		written <- socketOf(far).Write(func(fd uintptr) bool {
			for !waits {
				if _, err := syscall.Write(int(fd), []byte("1234")); err == nil {
					packets++
					continue
				}
				waits = true
				full <- packets
				return false
			}
			_, err := syscall.Write(int(fd), []byte("more"))
			return err == nil
		})
	}()
	size := 4 * <-full
	for _, bytes := range []int{size * 2 / 3, size - size*2/3, 4} {
		if _, err := io.ReadFull(in, make([]byte, bytes)); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

func TestReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	in := NewReader(near)
	_ = near.SetDeadline(time.Now().Add(10 * time.Second))
	want := make([]byte, 0, 1<<20)
	for i := range cap(want) {
		want = append(want, byte(i*i>>3))
	}
	go func() {
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+len(rest)%3001)
			_, _ = far.Write(rest[:n])
			rest = rest[n:]
		}
		_ = far.Close()
	}()
	var got []byte
	buf := make([]byte, 1733)
	for i := 0; ; i++ {
		n, err := in.Read(buf[:1+i%len(buf)])
		got = append(got, buf[:n]...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if i%7 == 0 {
			if err := in.Take(0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("what was read is not what was written")
	}
}

// To peek and to take allocates nothing: it is done for each event.
func TestAllocationsOfReading(t *testing.T) {
	near, far := socketPair(t)
	in := NewReader(near)
	buf, message := make([]byte, 16), []byte("1234567")
	got := testing.AllocsPerRun(100, func() {
		_, _ = far.Write(message)
		_, _ = in.Read(buf)
		_ = in.Take(0)
	})
	if got > 0 {
		t.Errorf("%v allocations, want none", got)
	}
}
