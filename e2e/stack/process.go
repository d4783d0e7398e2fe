package stack

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stopGrace is how long a child may take to end after its signal before it is killed.
// It is longer than the plugin server's own drain timeout.
const stopGrace = 15 * time.Second

// outputGrace is for how long the output of a child that has ended is read: children of its
// own may have the other end of the pipe.
const outputGrace = time.Second

// process is a child whose output goes to a log file of its own.
type process struct {
	part
	cmd     *exec.Cmd
	logPath string
	output  *output
	ready   bool          // it has answered
	exited  chan struct{} // closed once cmd has ended and been reaped
}

func startProcess(part part, logDir string) (*process, error) {
	logPath := filepath.Join(logDir, part.name+".log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", part.name, err)
	}
	output := &output{log: log, part: part.name}

	cmd := exec.Command(part.argv[0], part.argv[1:]...)
	cmd.Env = append(os.Environ(), part.env...)
	cmd.Stdout, cmd.Stderr = output, output // one writer, one pipe
	cmd.WaitDelay = outputGrace
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", part.name, err), output.Close())
	}
	p := &process{part: part, cmd: cmd, logPath: logPath, output: output, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // the exit state is read from cmd.ProcessState
		_ = output.Close()
	}()
	return p, nil
}

// endedBy is the signal that ends it in order.
func (p part) endedBy() syscall.Signal { return cmp.Or(p.stopSignal, syscall.SIGTERM) }

// stop ends the child and returns once it is gone. An exit other than 0 after the
// signal is an error: a child that cannot stop cleanly has a defect.
func (p *process) stop() error {
	if p.hasExited() {
		return nil // whoever waited for it has said so
	}
	_ = p.cmd.Process.Signal(p.endedBy())
	select {
	case <-p.exited:
		if !p.ready && p.endedBySignal() {
			return nil // it had not come to mind signals yet
		}
		return p.exitError()
	case <-time.After(stopGrace):
		p.kill()
		return fmt.Errorf("%s did not end within %s of %v and was killed; see %s", p.name, stopGrace, p.endedBy(), p.logPath)
	}
}

// endedBySignal reports whether the signal that ends it in order ended it at once.
func (p *process) endedBySignal() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == p.endedBy()
}

// kill ends a child that does not stop. The gateway's command, which is a child of its
// own, has its chance to end with it.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopGrace):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// exitError describes an exit other than 0 by the child's last words.
func (p *process) exitError() error {
	if p.cmd.ProcessState.Success() {
		return nil
	}
	if words := p.lastWords(); words != "" {
		return errors.New(words)
	}
	return fmt.Errorf("%s: %s", p.name, p.cmd.ProcessState)
}

// endedEarly is the error of a child that was to go on running.
func (p *process) endedEarly() error {
	return errors.Join(p.exitError(), fmt.Errorf("%s ended on its own; its log is %s", p.name, p.logPath))
}

const (
	// maxWords bounds the lines of a child's last words.
	maxWords = 20
	// maxAfterwords bounds the log lines that may follow them: of a parent, that it ended.
	maxAfterwords = 5
)

// lastWords are what the child said in plain text at its end, a line for each thing that
// is wrong; log lines are JSON.
func (p *process) lastWords() string {
	lines, _ := p.output.said()
	end := len(lines)
	for end > 0 && len(lines)-end < maxAfterwords && isLogLine(lines[end-1]) {
		end--
	}
	first := end
	for first > max(0, end-maxWords) && !isLogLine(lines[first-1]) {
		first--
	}
	words := lines[first:end]
	for i, line := range words {
		words[i] = strings.TrimPrefix(strings.TrimPrefix(line, "stack: "), "gatehouse: ")
	}
	return strings.Join(words, "\n")
}

// warnings are what the child said of its config before it started.
func (p *process) warnings() (list []string) {
	_, plain := p.output.said()
	for _, line := range plain {
		said, ok := strings.CutPrefix(line, "gatehouse: ")
		if ok && (strings.Contains(" "+said, " warning: ") || strings.Contains(said, ": error: ")) {
			list = append(list, strings.TrimPrefix(said, "warning: "))
		}
	}
	return list
}
