package ratio

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// CPUTime is what this process has used so far, in user and kernel mode.
func CPUTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("read this process's CPU time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// CPUTimeOf is what a process has had of the CPU, by the kernel's accounts of its
// threads.
func CPUTimeOf(pid int) (sum time.Duration, err error) {
	accounts, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(accounts) == 0 {
		return 0, fmt.Errorf("read the CPU time of process %d: no /proc/PID/task/*/schedstat", pid)
	}
	for _, path := range accounts {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(line))[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", path, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}
