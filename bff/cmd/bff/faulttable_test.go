package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/golden"
)

// faultTable are the faults that each service has in turn.
var faultTable = []struct{ name, fault string }{
	{"answers 403", `{"status":403}`},
	{"answers 429", `{"status":429}`},
	{"answers 500", `{"status":500}`},
	{"answers 502", `{"status":502}`},
	{"answers 503", `{"status":503}`},
	{"503 every other time", `{"status":503,"rate":0.5}`},
	{"0.2 s late", `{"latency_ms":200}`},
	{"3 s late", `{"latency_ms":3000}`},
	{"hangs", `{"hang":true}`},
	{"resets", `{"reset":true}`},
}

var faultPages = []string{"/web/v1/dashboard", "/mobile/v1/home", "/mobile/v1/orders"}

// TestFaultTable has every service fail in every way, and holds what each page makes of it
// to testdata/faults.txt. No page takes longer than its budget, and what a machine as busy
// as this one takes besides.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	const budget, slack = 1500 * time.Millisecond, 700 * time.Millisecond
	outcomes := make([][]string, len(faultTable)*len(serviceNames))
	var mu sync.Mutex
	var longest time.Duration
	var group sync.WaitGroup
	for i := range outcomes {
		fault, service := faultTable[i/len(serviceNames)], serviceNames[i%len(serviceNames)]
		s := newSystem(t)
		s.fault(t, service, fault.fault)
		group.Go(func() {
			row := []string{service + " " + fault.name}
			for _, page := range faultPages {
				h := s.mobile
				if strings.HasPrefix(page, "/web") {
					h = s.web
				}
				began := time.Now()
				w := waits(h, page, "1600")
				took := time.Since(began)
				if took > budget+slack {
					t.Errorf("%s, %s: took %v", row[0], page, took)
				}
				row = append(row, seen(w.Code, w.Body.Bytes()))
				mu.Lock()
				longest = max(longest, took)
				mu.Unlock()
			}
			outcomes[i] = row
		})
	}
	group.Wait()
	t.Logf("the longest page took %v", longest)
	var text strings.Builder
	for _, row := range append([][]string{append([]string{""}, faultPages...)}, outcomes...) {
		_, _ = fmt.Fprintf(&text, "%-35s%-28s%-28s%s\n", row[0], row[1], row[2], row[3])
	}
	golden.Check(t, "testdata/faults.txt", text.String())
}

// seen is what a client makes of an answer.
func seen(status int, body []byte) string {
	var page struct {
		Degraded []string
		Upstream string
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return "no JSON: " + err.Error()
	}
	switch {
	case status != http.StatusOK:
		return fmt.Sprintf("%d, for %s", status, page.Upstream)
	case len(page.Degraded) > 0:
		return "without " + strings.Join(page.Degraded, ", ")
	}
	return "whole"
}
