//go:build amd64 || arm64

package pluginserver

import (
	"syscall"
	"unsafe"
)

// These calls never wait. Go's own tell the scheduler of each, so that others run
// meanwhile: its monitor then looks every 20 µs whether one takes long, which was a
// tenth of the plugin server's CPU time.

// receive reads from a socket without waiting.
func receive(fd uintptr, p []byte, flags int) (int, error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		uintptr(flags|syscall.MSG_DONTWAIT), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// send writes to a socket without waiting.
func send(fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
