package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServeRelaxesItsTimers looks at the process that serves: it must be the one that
// was started, since that is whom a parent waits for.
func TestServeRelaxesItsTimers(t *testing.T) {
	dir := t.TempDir()
	program, socket := filepath.Join(dir, "gatehouse"), filepath.Join(dir, "g.sock")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	serve := exec.Command(program, "serve", "-socket", socket, "-http", "127.0.0.1:0")
	serve.Env = append(os.Environ(), "REDIS_URL=redis://127.0.0.1:1")
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not serve within 10 s")
		}
	}
	slack, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", serve.Process.Pid))
	if got := strings.TrimSpace(string(slack)); err != nil || got != "1000000" {
		t.Errorf("timer slack %s ns, %v; want 1000000", got, err)
	}
	_ = serve.Process.Signal(syscall.SIGTERM)
	if err := serve.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
