package audit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// How many datagrams a unix socket holds is a setting of the network namespace, and the
// machine's is not for a benchmark to change. So the suite runs in a namespace of its own,
// where it may.

const (
	// inOwnNetwork is a variable that says so to the process in it.
	inOwnNetwork = "GATEHOUSE_BENCH_OWN_NETWORK"
	queueSetting = "/proc/sys/net/unix/max_dgram_qlen"
	longLines    = 1024 // as compose.yaml has it
	shortLines   = 10   // as the kernel has it where nobody raised it
)

// ownNetwork is what a machine lacks on which there can be no such namespace.
func ownNetwork() string {
	if os.Getenv(inOwnNetwork) == "" {
		return "network namespace of the suite's own (root, and ip on PATH)"
	}
	return ""
}

// enterNetwork is a command that runs the suite again in a namespace of its own; nil if
// there can be none, or if this is it.
func enterNetwork() (*exec.Cmd, error) {
	if os.Getenv(inOwnNetwork) != "" {
		return nil, setUpNetwork()
	}
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		return nil, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "audit")
	cmd.Env = append(os.Environ(), inOwnNetwork+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	return cmd, nil
}

func setUpNetwork() error {
	out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("set up the loopback: %w: %s", err, out)
	}
	return errors.Join(err, setQueue(longLines))
}

// setQueue says how many datagrams a socket that is made from now on holds.
func setQueue(lines int) error { return os.WriteFile(queueSetting, []byte(strconv.Itoa(lines)), 0o644) }

// shortQueue has the kernel's default, for the sockets of this trial.
func shortQueue(t *trial) error {
	t.closers = append(t.closers, func() error { return setQueue(longLines) })
	return setQueue(shortLines)
}
