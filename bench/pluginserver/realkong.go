package pluginserver

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehousehq/gatehouse/bench/kongserver"
	"github.com/gatehousehq/gatehouse/bench/ratio"
)

// onRealKong are the rows on a real Kong of one worker, which asks both servers, and
// nothing but them.
func onRealKong(ctx context.Context, dir string, ours, theirs *server) (rows []ratio.Row, stop func(), err error) {
	k := &realKong{}
	stop = func() {}
	leftOut := ""
	if err := kongserver.Missing(); err != nil {
		leftOut = "kong on PATH (3.9)"
	} else if k.Server, err = startRealKong(ctx, dir, ours, theirs); err != nil {
		return nil, nil, err
	} else {
		stop = k.Stop
	}
	for _, phase := range []string{"access", "log"} {
		rows = append(rows, ratio.Row{
			What: fmt.Sprintf("%d clients, %d ms in %s, on Kong", slowClients, slowMS, phase), Peer: "go-pdk's server", Unit: "share of 200", Target: 1,
			Ours: k.answered(ours, phase), Base: k.answered(theirs, phase), LeftOut: leftOut,
		})
	}
	return rows, stop, nil
}

type realKong struct{ *kongserver.Server }

// kongConfig has a route for each server and phase. Kong answers itself.
func kongConfig(servers ...*server) string {
	var b strings.Builder
	b.WriteString("_format_version: \"3.0\"\nroutes:\n")
	for _, s := range servers {
		for _, phase := range []string{"access", "log"} {
			config := fmt.Sprintf("{wait_ms: %d}", slowMS)
			if phase == "log" {
				config = fmt.Sprintf("{idle: true, log_wait_ms: %d}", slowMS)
			}
			fmt.Fprintf(&b, "- name: %[1]s-%[2]s\n  paths: [/%[1]s/%[2]s]\n  plugins:\n  - {name: %[1]s, config: %[3]s}\n", s.name, phase, config)
			b.WriteString("  - {name: request-termination, config: {status_code: 200, message: done}}\n")
		}
	}
	return b.String()
}

func startRealKong(ctx context.Context, dir string, servers ...*server) (*kongserver.Server, error) {
	s := kongserver.Settings{Dir: dir, Config: kongConfig(servers...)}
	for _, of := range servers {
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(of.name)
		s.Plugins = append(s.Plugins, of.name)
		s.Env = append(s.Env, prefix+"_SOCKET="+of.socket, fmt.Sprintf("%s_QUERY_CMD=%s -dump", prefix, of.cmd.Path))
	}
	return kongserver.Start(ctx, s)
}

// status is the status of an answer, 0 if there is none.
func status(ctx context.Context, client *http.Client, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// slowLength is how long clients ask in a round.
const slowLength = 4 * time.Second

// answered measures the share of requests that are answered as the route says.
func (k *realKong) answered(s *server, phase string) ratio.Measure {
	return func(ctx context.Context) (float64, error) {
		transport := &http.Transport{MaxIdleConnsPerHost: slowClients}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		var asked, answered atomic.Int64
		var running sync.WaitGroup
		end := time.Now().Add(slowLength)
		for range slowClients {
			running.Go(func() {
				for time.Now().Before(end) {
					asked.Add(1)
					if status(ctx, client, fmt.Sprintf("http://%s/%s/%s", k.Proxy, s.name, phase)) == http.StatusOK {
						answered.Add(1)
					}
				}
			})
		}
		running.Wait()
		return float64(answered.Load()) / float64(asked.Load()), nil
	}
}
