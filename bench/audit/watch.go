package audit

import (
	"context"
	"io"
	"net/http"
	"time"
)

// watchEvery is how often the counters are read. What a process counts in its last
// moments, nobody reads: it must say that in its log.
const watchEvery = 200 * time.Millisecond

// watch reads the counters of lost records until it is stopped, of each process that
// serves in turn.
type watch struct {
	url  string
	last map[string]float64 // of each process, by when it began
	stop func() (lost int)
}

func startWatch(ctx context.Context, addr string) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{url: "http://" + addr + "/metrics", last: map[string]float64{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			w.look(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(watchEvery):
			}
		}
	}()
	w.stop = func() int {
		cancel()
		<-done
		lost := 0.0
		for _, n := range w.last {
			lost += n
		}
		return int(lost)
	}
	return w
}

// look reads the counters once. A server that does not answer is on its way.
func (w *watch) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, http.NoBody)
	if err != nil {
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return
	}
	if c := parseCounters(text); c.process != "" {
		w.last[c.process] = c.lost
	}
}
