//go:build !linux || !(amd64 || arm64)

package pluginserver

import "syscall"

// receive reads from a socket without waiting.
func receive(fd uintptr, p []byte, flags int) (int, error) {
	n, _, err := syscall.Recvfrom(int(fd), p, flags|syscall.MSG_DONTWAIT)
	return n, err
}

// send writes to a socket, which does not wait.
func send(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
