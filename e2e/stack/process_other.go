//go:build !linux

package stack

import "syscall"

// childAttributes keeps the terminal's Ctrl-C from children, which are stopped in
// order instead.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
