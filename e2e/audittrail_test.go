package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/refusals"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// trail is what the logs say of requests: their access lines, by id, and their audit
// records that take no other's place.
type trail struct {
	lines   map[string]bool
	records map[string][]auditRecord
}

func readTrail(t *testing.T) trail {
	t.Helper()
	found := trail{map[string]bool{}, map[string][]auditRecord{}}
	for line := range strings.Lines(logs(t)) {
		var r auditRecord
		switch {
		case json.Unmarshal([]byte(line), &r) != nil:
		case r.Log == "access":
			found.lines[r.RequestID] = true
		case r.Log == "audit" && r.Correction:
			found.records[r.RequestID] = []auditRecord{r}
		case r.Log == "audit":
			found.records[r.RequestID] = append(found.records[r.RequestID], r)
		}
	}
	return found
}

// wantOnce waits until each request has a record, and wants one of each, which says how
// the request ended.
func wantOnce(t *testing.T, ids map[string]int) {
	t.Helper()
	var found trail
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		found = readTrail(t)
		if !slices.ContainsFunc(slices.Collect(maps.Keys(ids)), func(id string) bool { return len(found.records[id]) == 0 }) {
			break
		}
	}
	missing := 0
	for id, status := range ids {
		records := found.records[id]
		switch {
		case len(records) == 0:
			missing++
		case len(records) > 1:
			t.Errorf("request %s has %d records: %+v", id, len(records), records)
		case records[0].Source == "unknown" || status != 0 && records[0].Status != status:
			t.Errorf("request %s, which ended with %d, has the record %+v", id, status, records[0])
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d requests have no record", missing, len(ids))
	}
}

// TestRefusedRequestsHaveRecords: what nginx refuses by itself, before Kong has a phase
// for a plugin, is a call like any other.
func TestRefusedRequestsHaveRecords(t *testing.T) {
	before := readTrail(t).lines
	for _, r := range refusals.All {
		answer, err := r.Send(t.Context(), strings.TrimPrefix(gate.proxy, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status > 0 && answer.Status < http.StatusBadRequest {
			t.Errorf("%s: answered with %d, want it refused", r.Name, answer.Status)
		}
	}
	ids := map[string]int{}
	eventually(t, "an access line of each request that was refused", func() bool {
		for id := range readTrail(t).lines {
			if _, other := answered.Load(id); !other && !before[id] {
				ids[id] = 0
			}
		}
		return len(ids) >= len(refusals.All)
	})
	if len(ids) != len(refusals.All) {
		t.Errorf("%d access lines of %d requests", len(ids), len(refusals.All))
	}
	wantOnce(t, ids)
}

// slowCalls are how many requests are sent at once, few enough that the kernel holds their lines while nobody reads them.
const slowCalls = 8

// TestCallsUnderWayHaveRecords: the plugin server dies or is ended while requests are with
// a service. Each is one call, whoever writes it down.
func TestCallsUnderWayHaveRecords(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			// Each worker of a gateway may still keep connections to a plugin server that a test has killed.
			eventually(t, "as many requests passing at once, again and again", func() bool {
				for range 5 {
					if !allOK(startCalls(t, "")()) {
						return false
					}
				}
				return true
			})
			fault(t, services.Orders, `{"latency_ms":2000}`)
			mark := sig.String() + " " + time.Now().Format(time.RFC3339Nano)
			wait := startCalls(t, mark)
			eventually(t, "all requests at the service", func() bool { return marked(t, mark) == slowCalls })
			signalServer(t, sig)
			ids := wait()
			if len(ids) != slowCalls {
				t.Errorf("%d of %d requests were answered, which were with the service", len(ids), slowCalls)
			}
			for id, status := range ids {
				if status != http.StatusOK {
					t.Errorf("request %s ended with %d: it was with the service when the plugin server ended", id, status)
				}
			}
			wantOnce(t, ids)
		})
	}
}

// allOK reports whether all requests were answered with 200.
func allOK(ids map[string]int) bool {
	for _, status := range ids {
		if status != http.StatusOK {
			return false
		}
	}
	return len(ids) == slowCalls
}

// startCalls sends requests with a mark, and returns a function that waits for them
// and returns their status by id.
func startCalls(t *testing.T, mark string) (wait func() map[string]int) {
	t.Helper()
	ids := map[string]int{}
	var mu sync.Mutex
	var running sync.WaitGroup
	for range slowCalls {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate.proxy+"/partner/v2/orders", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(partnerKey, ": ")
		req.Header.Set(name, value)
		req.Header.Set("X-Mark", mark)
		running.Go(func() {
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return // one answer too few
			}
			_ = resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			ids[resp.Header.Get("X-Kong-Request-Id")] = resp.StatusCode
		})
	}
	return func() map[string]int {
		running.Wait()
		return ids
	}
}

// marked is how many requests with a mark the orders service has received.
func marked(t *testing.T, mark string) (n int) {
	t.Helper()
	for _, r := range requestsAt(t, gate.services[services.Orders], "") {
		if r.Header.Get("X-Mark") == mark {
			n++
		}
	}
	return n
}
