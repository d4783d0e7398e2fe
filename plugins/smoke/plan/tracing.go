package plan

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Tracing is what the config has trace-inject do on a route.
type Tracing struct {
	// On says that the plugin runs there.
	On bool
	// Incoming is what becomes of a client's trace: continue, link or restart.
	Incoming string
	// Trusting says that some clients' traces are continued whatever Incoming says, and
	// this one's may be.
	Trusting bool
	// ResponseHeader carries the trace id; empty: none does.
	ResponseHeader string
	// SampleRatio is the share of traces begun at the gateway that is recorded, and with
	// OverParent of continued ones: no client forces its own.
	SampleRatio float64
	OverParent  bool
	// PassHeaders are headers with a trace that go on as the client sent them.
	PassHeaders []string
}

// traceConfig is the plugin's, as Kong reads it: what is absent is as by default.
type traceConfig struct {
	Incoming       *string  `json:"incoming"`
	TrustedCIDRs   []string `json:"trusted_cidrs"`
	SampleRatio    *float64 `json:"sample_ratio"`
	ResponseHeader *string  `json:"response_header"`
	PassHeaders    []string `json:"pass_headers"`
	IgnoreParent   bool     `json:"ignore_parent_sampled"`
	MostForced     *int     `json:"max_parent_sampled_per_second"`
}

// tracing reads it from trace-inject, or from the plugin that runs the four in one hop.
func (d *document) tracing(s *service, r *route) (t Tracing, err error) {
	raw, ok := d.on(s, r, "trace-inject")
	if oneHop, there := d.on(s, r, "gatehouse"); !ok && there {
		var config struct {
			Run     []string        `json:"run"`
			Section json.RawMessage `json:"trace_inject"`
		}
		if len(oneHop) > 0 {
			if err := json.Unmarshal(oneHop, &config); err != nil {
				return t, fmt.Errorf("config of gatehouse: %w", err)
			}
		}
		raw, ok = config.Section, slices.Contains(config.Run, "trace_inject")
	}
	if !ok {
		return t, nil
	}
	var config traceConfig
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &config); err != nil {
			return t, fmt.Errorf("config of trace-inject: %w", err)
		}
	}
	return Tracing{
		On: true, Incoming: or(config.Incoming, "link"), Trusting: len(config.TrustedCIDRs) > 0,
		ResponseHeader: or(config.ResponseHeader, "X-Trace-Id"), SampleRatio: or(config.SampleRatio, 1), PassHeaders: config.PassHeaders,
		OverParent: config.IgnoreParent || config.MostForced != nil && *config.MostForced == 0,
	}, nil
}

func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}
