package main

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// timerSlack is how late timers may be, in nanoseconds.
	timerSlack = 1_000_000
	// timersRelaxed says that the process was executed again.
	timersRelaxed = "GATEHOUSE_TIMERS_RELAXED"
)

// relaxTimers lets the kernel run this process' timers a millisecond late, where 50 µs
// is what it does unasked. As long as anything runs, Go's scheduler is looked after by a
// thread that sleeps for 20 µs at a time, and to wake it was a fifth of the plugin
// server's CPU time at 1,000 requests a second.
//
// That thread is older than main, and only a new process has another: it keeps the
// slack of the thread that executed it.
func relaxTimers() {
	if _, done := os.LookupEnv(timersRelaxed); done {
		_ = os.Unsetenv(timersRelaxed)
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0) != nil {
		return
	}
	_ = syscall.Exec(self, os.Args, append(os.Environ(), timersRelaxed+"=1")) // on failure it goes on as it is
}
