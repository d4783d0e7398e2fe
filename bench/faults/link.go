package faults

import (
	"net"
	"sync"
)

// link is a way to a server that can be cut: nothing comes through then, and nobody is
// told, as where a network drops packets.
type link struct {
	addr, to string
	listener net.Listener

	mu    sync.Mutex
	whole chan struct{} // closed while the link is whole
	conns []net.Conn
}

func startLink(to string) (*link, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{addr: ln.Addr().String(), to: to, listener: ln, whole: make(chan struct{})}
	close(l.whole)
	go l.accept()
	return l, nil
}

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.carry(near)
	}
}

// carry connects both ends. What arrives while the link is cut is lost with its connection.
func (l *link) carry(near net.Conn) {
	l.keep(near)
	<-l.state()
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		_ = near.Close()
		return
	}
	l.keep(far)
	go l.copy(near, far)
	l.copy(far, near)
}

func (l *link) copy(to, from net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		<-l.state()
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (l *link) keep(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, c)
}

func (l *link) state() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.whole
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole = make(chan struct{})
}

// mend has new connections pass. Those from before have lost something, and are closed.
func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
	close(l.whole)
}

// close is for a link that is whole.
func (l *link) close() error {
	err := l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	return err
}
