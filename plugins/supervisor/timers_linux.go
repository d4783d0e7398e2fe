package supervisor

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// timerSlack is how late the plugin server's timers may be, in nanoseconds.
const timerSlack = 1_000_000

// withLateTimers starts a process whose timers the kernel may run a millisecond late,
// where 50 µs is what it does unasked. As long as anything runs, Go's scheduler is looked
// after by a thread that sleeps for 20 µs at a time, and to wake it was a fifth of the
// plugin server's CPU time at 1,000 requests a second (docs/adr/0013-timer-slack.md).
//
// That thread is older than the program's main, so that only whoever starts the process
// can set its slack: a process has that of the thread that forked it, over execve too.
func withLateTimers(start func() (int, error)) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0) == nil {
		defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) }() // 0: back to what it was
	}
	return start()
}
