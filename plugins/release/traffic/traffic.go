// Package traffic reads what a replica answered from the metrics of the plugin server
// beside it.
package traffic

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/gatehousehq/gatehouse/plugins/release"
)

// The metrics that are read, of plugins/piilogscrub.
const (
	requests = "gatehouse_requests_total"
	seconds  = "gatehouse_request_duration_seconds"
)

// maxMetrics bounds what is read, in bytes.
const maxMetrics = 32 << 20

// Read asks for the metrics at a URL. What was counted is since that process began.
func Read(ctx context.Context, client *http.Client, url string) (release.Traffic, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read metrics: %s answers status %d", url, resp.StatusCode)
	}
	all, err := Parse(io.LimitReader(resp.Body, maxMetrics))
	if err != nil {
		return nil, fmt.Errorf("read metrics of %s: %w", url, err)
	}
	return all, nil
}

// Parse reads metrics in Prometheus' text format.
func Parse(text io.Reader) (release.Traffic, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		return nil, err
	}
	all := release.Traffic{}
	for _, m := range families[requests].GetMetric() {
		route, n := label(m, "route"), int(m.GetCounter().GetValue())
		c := all[route]
		c.Requests += n
		switch label(m, "status_class") {
		case "5xx":
			c.Errors += n
		case "4xx":
			c.Refused += n
		}
		all[route] = c
	}
	for _, m := range families[seconds].GetMetric() {
		route := label(m, "route")
		c := all[route]
		for _, b := range m.GetHistogram().GetBucket() {
			most := time.Duration(b.GetUpperBound() * float64(time.Second))
			if most > 0 { // +Inf is no duration
				c.Within = append(c.Within, release.Bound{Most: most, Count: int(b.GetCumulativeCount())})
			}
		}
		all[route] = c
	}
	return all, nil
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
