// Package pluginserver measures our plugin server against go-pdk's: one plugin on
// both, each in a process of its own, driven as a worker of Kong drives it.
package pluginserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// Rounds are many and short: the two sides then see the same of a noisy machine.
const (
	rounds = 25
	events = 16_000 // of a round
)

// profileAddr is where our server tells its allocations.
const profileAddr = "127.0.0.1:19542"

// Open starts both servers.
func Open(ctx context.Context) (rows []ratio.Row, closeAll func() error, err error) {
	dir, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder: %w", err)
	}
	closeAll = func() error { return os.RemoveAll(dir) }
	ours, err := start(ctx, dir, "ourplugin", "-deadline", "1m", "-http", profileAddr, "-profiling")
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	theirs, err := start(ctx, dir, "stockplugin")
	if err != nil {
		return nil, nil, errors.Join(err, ours.close(), closeAll())
	}
	closeAll = func() error { return errors.Join(ours.close(), theirs.close(), os.RemoveAll(dir)) }
	onKong, stopKong, err := onRealKong(ctx, dir, ours, theirs)
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	closeServers := closeAll
	closeAll = func() error {
		stopKong()
		return closeServers()
	}
	rows = []ratio.Row{
		{
			What: "a handler with six PDK calls", Peer: "go-pdk's server", Unit: "events/CPU s", Target: 2.5, Rounds: rounds,
			Ours: ours.perCPUSecond(`{"idle":false}`), Base: theirs.perCPUSecond(`{"idle":false}`),
		},
		{
			What: "a handler without PDK calls", Peer: "go-pdk's server", Unit: "events/CPU s", Target: 1, Rounds: rounds,
			Ours: ours.perCPUSecond(`{"idle":true}`), Base: theirs.perCPUSecond(`{"idle":true}`),
		},
		slow("access", ours, theirs), slow("log", ours, theirs),
		{
			What: "allocations without PDK calls", Unit: "per event", Target: 2, AtMost: true,
			Ours: ours.allocations(`{"idle":true}`),
		},
	}
	return append(rows, onKong...), closeAll, nil
}

// perCPUSecond measures events for each second of CPU time of the server's process.
func (s *server) perCPUSecond(config string) ratio.Measure {
	return func(context.Context) (float64, error) {
		id, err := s.instance(config)
		if err != nil {
			return 0, err
		}
		before, err := ratio.CPUTimeOf(s.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		if err := drive(s.socket, id, events); err != nil {
			return 0, err
		}
		after, err := ratio.CPUTimeOf(s.cmd.Process.Pid)
		return events / (after - before).Seconds(), err
	}
}

// allocations measures what the whole process allocates for an event, its
// connections included.
func (s *server) allocations(config string) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		id, err := s.instance(config)
		if err != nil {
			return 0, err
		}
		before, err := mallocs(ctx)
		if err != nil {
			return 0, err
		}
		if err := drive(s.socket, id, events); err != nil {
			return 0, err
		}
		after, err := mallocs(ctx)
		return (after - before) / events, err
	}
}

// mallocs is how many objects our server has allocated.
func mallocs(ctx context.Context) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+profileAddr+"/debug/pprof/heap?debug=1", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("read our server's heap profile: %w", err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "# Mallocs = "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, errors.New("our server's heap profile does not tell its allocations")
}
