package pluginserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// server is a process that serves the plugin.
type server struct {
	cmd    *exec.Cmd
	socket string
	name   string // the plugin's: the executable's
}

// start builds a program of this module and starts it.
func start(ctx context.Context, dir, program string, args ...string) (*server, error) {
	path := filepath.Join(dir, program)
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/gatehousehq/gatehouse/bench/pluginserver/"+program)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w: %s", program, err, out)
	}
	s := &server{cmd: exec.Command(path, append(args, "-kong-prefix", dir)...), socket: path + ".socket", name: program}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return s, s.await(ctx)
}

// startTimeout bounds how long a server may take to listen.
const startTimeout = 10 * time.Second

func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := net.Dial("unix", s.socket)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", s.name, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *server) close() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	_ = s.cmd.Wait() // go-pdk's ends by the signal
	return nil
}

// instance starts a configuration.
func (s *server) instance(config string) (int32, error) {
	client := kongtest.NewClient(s.socket)
	defer client.Close()
	return client.StartInstance(s.name, []byte(config))
}
