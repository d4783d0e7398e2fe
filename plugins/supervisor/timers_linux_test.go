package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestTimersOfThePluginServerMayBeLate looks at every thread: the one that wakes all the
// time is not the main one. Kong's timers, and the supervisor's own, are left alone.
func TestTimersOfThePluginServerMayBeLate(t *testing.T) {
	s := supervise(t, as("server"), as("command"))
	s.waitLog(t, "command ready")
	own := slacks(t, os.Getpid())
	for pid, want := range map[int]string{s.askServer(t): fmt.Sprint(timerSlack), s.Process.Pid: own[0]} {
		for _, got := range slacks(t, pid) {
			if got != want {
				t.Errorf("process %d: timer slack %s ns, want %s", pid, got, want)
			}
		}
	}
	if err := s.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if code := s.exitCode(t); code != 7 {
		t.Errorf("exit code %d, want the command's 7", code)
	}
}

// slacks are the timer slacks of a process' threads.
func slacks(t *testing.T, pid int) (list []string) {
	t.Helper()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%s/timerslack_ns", thread.Name()))
		switch {
		case err == nil:
			list = append(list, strings.TrimSpace(string(text)))
		case errors.Is(err, fs.ErrPermission):
			t.Skip("to see other processes' timer slack takes CAP_SYS_NICE")
		}
	}
	if len(list) == 0 {
		t.Fatalf("process %d shows no timer slack", pid)
	}
	return list
}
