package pluginserver

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// Handlers that wait for something, for clients that do too.
const (
	slowClients = 100
	slowEvents  = 10 // of each client in a round
	slowMS      = 150
)

// slow is a row about handlers that wait: what share of the events passes.
func slow(phase string, ours, theirs *server) ratio.Row {
	return ratio.Row{
		What: fmt.Sprintf("%d clients, %d ms in %s", slowClients, slowMS, phase), Peer: "go-pdk's server", Unit: "share passed", Target: 1,
		Ours: ours.passed(phase), Base: theirs.passed(phase),
	}
}

// slowConfig has the handler of a phase wait, in a configuration of its own.
func slowConfig(phase string) string {
	if phase == "log" {
		return fmt.Sprintf(`{"idle":true,"log_wait_ms":%d,"__seq__":11}`, slowMS)
	}
	return fmt.Sprintf(`{"wait_ms":%d,"__seq__":12}`, slowMS)
}

func (s *server) passed(phase string) ratio.Measure {
	return func(context.Context) (float64, error) {
		id, err := s.instance(slowConfig(phase))
		if err != nil {
			return 0, err
		}
		client := kongtest.NewClient(s.socket)
		defer client.Close()
		var passed atomic.Int64
		var running sync.WaitGroup
		for range slowClients {
			running.Go(func() {
				for range slowEvents {
					effects, err := client.HandleEvent(id, phase, kongtest.Request{})
					if err == nil && effects.Exit == nil {
						passed.Add(1)
					}
				}
			})
		}
		running.Wait()
		return float64(passed.Load()) / (slowClients * slowEvents), nil
	}
}
