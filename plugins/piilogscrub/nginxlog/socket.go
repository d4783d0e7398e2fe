package nginxlog

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
)

// Inherited is the name of the socket that a parent process passes on. Lines wait in its
// buffer while no process reads them.
const Inherited = "syslog"

// Open makes a datagram socket at path, with mode 0660. A socket that nobody listens
// on any more is replaced; one that somebody does, or another file, is an error.
func Open(path string) (*net.UnixConn, error) {
	conn, err := listen.Unixgram(path)
	if err != nil {
		return nil, err
	}
	if err := conn.SetReadBuffer(readBuffer); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// The kernel refuses a datagram for which it has no room, and nginx then drops the
// line. It has room for as many as this setting says, ten unless somebody raised
// it, whatever the buffer's size.
const (
	queueSetting       = "/proc/sys/net/unix/max_dgram_qlen"
	advisedKernelQueue = 512
)

// kernelQueue reads how many datagrams a socket holds, where the system says so.
func kernelQueue(path string) (n int, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return n, err == nil
}
