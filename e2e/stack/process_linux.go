package stack

import "syscall"

// childAttributes keeps the terminal's Ctrl-C from children, which are stopped in
// order instead, and ends them if this process is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
