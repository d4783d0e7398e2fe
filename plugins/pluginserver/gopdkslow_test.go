package pluginserver

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// onBoth runs a test on a stock plugin on go-pdk's own server, and on this one.
func onBoth(t *testing.T, run func(t *testing.T, stock *stockServer)) {
	t.Helper()
	for _, server := range []string{"go-pdk", "gatehouse"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			run(t, stockProcess(t, server))
		})
	}
}

// start starts a configuration.
func (s *stockServer) start(t *testing.T, config string) int32 {
	t.Helper()
	id, err := s.client.StartInstance(s.name, []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestSlowHandlersOnBothServers has a hundred clients wait for handlers that wait for
// something: each event passes, on either server.
func TestSlowHandlersOnBothServers(t *testing.T) {
	t.Parallel()
	const clients, rounds = 100, 4
	onBoth(t, func(t *testing.T, stock *stockServer) {
		for seq, message := range []string{"slow", "catches"} {
			id := stock.start(t, fmt.Sprintf(`{"message":%q,"__seq__":%d}`, message, seq+1))
			for _, phase := range []string{"access", "log"} {
				var running sync.WaitGroup
				for range clients {
					running.Go(func() {
						for range rounds {
							effects, err := stock.client.HandleEvent(id, phase, kongtest.Request{})
							if err != nil || effects.Exit != nil {
								t.Errorf("%s in %s: %v, exit %+v; want it to pass", message, phase, err, effects.Exit)
								return
							}
							if fell := effects.Response.Headers.Get("X-Fallback") != ""; fell != (message == "catches") {
								t.Errorf("%s in %s: fell back: %v", message, phase, fell)
							}
						}
					})
				}
				running.Wait()
			}
		}
	})
}

// TestLargeBodiesOnBothServers carries bodies of 20 MB in either direction.
func TestLargeBodiesOnBothServers(t *testing.T) {
	t.Parallel()
	const size = 20_000_000
	onBoth(t, func(t *testing.T, stock *stockServer) {
		reads, exits := stock.start(t, `{"message":"reads","__seq__":1}`), stock.start(t, fmt.Sprintf(`{"message":"exits","count":%d,"__seq__":2}`, size))
		for range 3 {
			effects, err := stock.client.HandleEvent(reads, "access", kongtest.Request{Body: make([]byte, size)})
			if diff := cmp.Diff(fmt.Sprint(size, " <nil>"), effects.Response.Headers.Get("X-Body")); err != nil || diff != "" {
				t.Errorf("GetRawBody: %v, bytes and error (-want +got):\n%s", err, diff)
			}
			effects, err = stock.client.HandleEvent(exits, "access", kongtest.Request{})
			if err != nil || effects.Exit == nil || len(effects.Exit.Body) != size {
				t.Errorf("Exit: %v; want an exit with %d bytes", err, size)
			}
		}
	})
}

// TestReadsAreMadeWhenTheirAnswerIsAskedFor holds the time that a request has taken to
// when the handler asks for it, however often events have begun alike.
func TestReadsAreMadeWhenTheirAnswerIsAskedFor(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, stock *stockServer) {
		id := stock.start(t, `{"message":"time","__seq__":1}`)
		for range 5 {
			effects, err := stock.client.HandleEvent(id, "access", kongtest.Request{})
			took, bad := strconv.ParseFloat(effects.Response.Headers.Get("X-Time"), 64)
			if err != nil || bad != nil || took < 0.05 {
				t.Errorf("the request has taken %v s, %v, %v; want 0.05 at least", took, err, bad)
			}
		}
	})
}
