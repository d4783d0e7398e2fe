package inherit

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Handover passes connections between events to the process that takes this
// one's place, so that Kong does not notice. It is a socket pair that a parent
// holds: what one process gives waits in it until another takes it.
//
// Without it a process that ends closes its connections, and an event that Kong
// has just sent on one of them fails.
type Handover struct{ give, take *net.UnixConn }

// NewHandover makes the two files of a handover, for a parent to hold and to
// pass on as [Give] and [Take].
func NewHandover() (give, take *os.File, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	syscall.CloseOnExec(pair[0])
	syscall.CloseOnExec(pair[1])
	return os.NewFile(uintptr(pair[0]), "handover, giving end"), os.NewFile(uintptr(pair[1]), "handover, taking end"), nil
}

// Handover is the handover among the files, nil if there is none.
func (f Files) Handover() (*Handover, error) {
	give, giveErr := f.UnixConn(Give)
	take, takeErr := f.UnixConn(Take)
	if err := errors.Join(giveErr, takeErr); err != nil {
		return nil, err
	}
	if give == nil && take == nil {
		return nil, nil
	}
	if give == nil || take == nil {
		return nil, fmt.Errorf("inherited %s and %s: one is missing: pass on both ends", Give, Take)
	}
	return &Handover{give, take}, nil
}

// Give leaves a connection for the next process. The caller closes its own. The
// error is EAGAIN where as many wait as the kernel lets, a few hundred.
func (h *Handover) Give(conn syscall.Conn) error {
	var giving, sending error
	err := Control(conn, func(fd int) {
		giving = Control(h.give, func(give int) {
			sending = syscall.Sendmsg(give, []byte{0}, syscall.UnixRights(fd), nil, syscall.MSG_DONTWAIT)
		})
	})
	if err := errors.Join(err, giving, sending); err != nil {
		return fmt.Errorf("hand over a connection: %w", err)
	}
	return nil
}

// Take returns the connections that wait, without waiting for more.
func (h *Handover) Take() (conns []net.Conn, err error) {
	var received error
	err = Control(h.take, func(take int) {
		for received == nil {
			var conn net.Conn
			if conn, received = takeOne(take); conn != nil {
				conns = append(conns, conn)
			}
		}
	})
	if errors.Is(received, syscall.EAGAIN) {
		received = nil
	}
	if err := errors.Join(err, received); err != nil {
		return conns, fmt.Errorf("take over connections: %w", err)
	}
	return conns, nil
}

func takeOne(take int) (net.Conn, error) {
	rights := make([]byte, syscall.CmsgSpace(4))
	n, oobn, _, _, err := syscall.Recvmsg(take, make([]byte, 1), rights, syscall.MSG_DONTWAIT)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("the giving end is closed")
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, errors.Join(err, errors.New("a message without a connection"))
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.Join(err, errors.New("a message without a connection"))
	}
	syscall.CloseOnExec(fds[0])
	file := os.NewFile(uintptr(fds[0]), "connection handed over")
	conn, err := net.FileConn(file) // a duplicate
	return conn, errors.Join(err, file.Close())
}
