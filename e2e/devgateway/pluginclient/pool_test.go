package pluginclient

import (
	"bufio"
	"net"
	"testing"
)

// A connection with something left on it is out of step: it is closed.
func TestPoolRefusesLeftovers(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	go func() { _, _ = theirs.Write([]byte("ab")) }()
	c := &conn{Conn: ours, r: bufio.NewReader(ours)}
	if _, err := c.r.ReadByte(); err != nil {
		t.Fatal(err)
	}
	var p pool
	p.put(c)
	if p.take() != nil {
		t.Error("the pool kept it")
	}
	if _, err := ours.Write(nil); err == nil {
		t.Error("it is still open")
	}
}
