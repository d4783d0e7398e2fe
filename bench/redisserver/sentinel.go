package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/bench/loopback"
)

// Watched is a master with a replica, and a Sentinel that has the replica take the
// master's place when that is down for DownAfter.
type Watched struct {
	Master, Replica *Server
	addr            string
	cmd             *exec.Cmd
	dir             string
}

// DownAfter is for how long a master must be silent.
const DownAfter = 5 * time.Second

// StartWatched starts the three, and waits until the Sentinel knows the other two.
func StartWatched(ctx context.Context) (*Watched, error) {
	w := new(Watched)
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return w, nil
}

func (w *Watched) start(ctx context.Context) (err error) {
	if w.Master, err = Start(ctx); err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(w.Master.Addr)
	if w.Replica, err = Start(ctx, "--replicaof", host, port, "--repl-diskless-sync-delay", "0"); err != nil {
		return err
	}
	addrs, err := loopback.FreeAddrs(1)
	if err != nil {
		return err
	}
	w.addr = addrs[0]
	if w.dir, err = os.MkdirTemp("", "gatehouse-bench-"); err != nil {
		return err
	}
	_, own, _ := net.SplitHostPort(w.addr)
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor main %s %s 1\nsentinel down-after-milliseconds main %d\nsentinel failover-timeout main 10000\n",
		own, host, port, DownAfter.Milliseconds())
	file := filepath.Join(w.dir, "sentinel.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	w.cmd = exec.Command(program, file, "--sentinel")
	if err := w.cmd.Start(); err != nil {
		return fmt.Errorf("start sentinel: %w", err)
	}
	return w.await(ctx)
}

func (w *Watched) await(ctx context.Context) error {
	client := redis.NewClient(&redis.Options{Addr: w.addr, Protocol: 2})
	defer client.Close()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		known, err := client.Do(ctx, "SENTINEL", "REPLICAS", "main").Slice()
		if err == nil && len(known) == 1 {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return errors.Join(errors.New("the sentinel knows no replica"), err)
		}
	}
}

// URL names the master whichever of the two it is.
func (w *Watched) URL() string { return "redis://" + w.addr + "?master_name=main" }

// Stop ends all three.
func (w *Watched) Stop() error {
	var errs []error
	if w.cmd != nil && w.cmd.Process != nil {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait() // by the signal
	}
	for _, s := range []*Server{w.Master, w.Replica} {
		if s != nil {
			errs = append(errs, s.Stop())
		}
	}
	if w.dir != "" {
		errs = append(errs, os.RemoveAll(w.dir))
	}
	return errors.Join(errs...)
}
