package traceinject

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

const (
	defaultMaxParentSampled = 100
	maxMaxParentSampled     = 1000000
	maxSlow                 = time.Hour
)

// checkSampling makes bad values the defaults, and returns what is bad.
func (c *Config) checkSampling() error {
	return errors.Join(c.checkRatio(), c.checkMaxParentSampled(), c.checkKeep())
}

func (c *Config) checkRatio() error {
	if c.SampleRatio >= 0 && c.SampleRatio <= 1 {
		return nil
	}
	err := fmt.Errorf("sample_ratio: %v is out of range; use a number from 0 to 1", c.SampleRatio)
	c.SampleRatio = 1
	return err
}

func (c *Config) checkMaxParentSampled() error {
	if c.MaxParentSampled >= 0 && c.MaxParentSampled <= maxMaxParentSampled {
		return nil
	}
	err := fmt.Errorf("max_parent_sampled_per_second: %d is out of range; use a number from 0 to %d", c.MaxParentSampled, maxMaxParentSampled)
	c.MaxParentSampled = defaultMaxParentSampled
	return err
}

func (c *Config) checkKeep() error {
	var errs []error
	c.KeepStatuses = slices.DeleteFunc(c.KeepStatuses, func(status int) bool {
		if status >= 400 && status <= 499 {
			return false
		}
		errs = append(errs, fmt.Errorf("keep_statuses: %d is out of range; use statuses from 400 to 499, and keep_errors for those above", status))
		return true
	})
	if most := int(maxSlow.Milliseconds()); c.KeepSlowMS < 0 || c.KeepSlowMS > most {
		errs = append(errs, fmt.Errorf("keep_slow_ms: %d is out of range; use milliseconds from 1 to %d, or 0 for none", c.KeepSlowMS, most))
		c.KeepSlowMS = 0
	}
	return errors.Join(errs...)
}

func (c *Config) keep() propagation.Keep {
	return propagation.Keep{Errors: c.KeepErrors, Statuses: c.KeepStatuses, Slow: time.Duration(c.KeepSlowMS) * time.Millisecond}
}

// serverTimingNone is the choice for no such header.
const serverTimingNone = "none"

func (c *Config) checkServerTiming() (err error) {
	switch c.ServerTiming {
	case serverTimingNone, "traceparent", "trace":
		return nil
	case "":
	default:
		err = fmt.Errorf("server_timing: %q is not a choice; use none, traceparent or trace", c.ServerTiming)
	}
	c.ServerTiming = serverTimingNone
	return err
}

// response is how the client is told of its trace.
func (c *Config) response() propagation.Response {
	r := propagation.Response{TraceID: c.ResponseHeader, Traceresponse: c.Traceresponse}
	if c.ServerTiming != serverTimingNone {
		r.ServerTiming = c.ServerTiming
	}
	return r
}
