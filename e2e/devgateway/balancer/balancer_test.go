package balancer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

// pair is an upstream of two targets, a and b.
func pair(checks config.Healthchecks) *config.Upstream {
	return &config.Upstream{Name: "u", Healthchecks: checks, Targets: []*config.Target{
		{Host: "a", Port: 1, IP: "10.0.0.1"}, {Host: "b", Port: 2, IP: "10.0.0.2"},
	}}
}

// thresholds are three failures of each kind, and one success.
func thresholds() (c config.Healthchecks) {
	c.Passive.Healthy = config.Healthy{Successes: 1, Statuses: config.Statuses{200, 500}}
	c.Passive.Unhealthy = config.Unhealthy{TCPFailures: 3, Timeouts: 3, HTTPFailures: 3, Statuses: config.Statuses{502, 503, 504}}
	return c
}

// picked are the hosts of the next picks, in order; "" is none.
func picked(b *Balancer, count int) (hosts string) {
	for range count {
		if t := b.Pick(); t != nil {
			hosts += t.Host
		} else {
			hosts += "-"
		}
	}
	return hosts
}

func TestPassive(t *testing.T) {
	t.Parallel()
	off := config.Healthchecks{}
	inRow := thresholds()
	noHTTP := thresholds()
	noHTTP.Passive.Unhealthy.HTTPFailures = 0
	noReset := thresholds()
	noReset.Passive.Healthy.Successes = 0
	tests := []struct {
		name   string
		checks config.Healthchecks
		events string // of target a: t is a TCP failure, o a timeout, a digit the first of a status
		want   string // the next four picks
	}{
		{"nothing", inRow, "", "abab"},
		{"two refused", inRow, "tt", "abab"},
		{"three refused", inRow, "ttt", "bbbb"},
		{"kinds count apart", inRow, "ttoo33", "abab"},
		{"three timeouts", inRow, "ooo", "bbbb"},
		{"504 is a timeout", inRow, "oo4", "bbbb"},
		{"three times 503", inRow, "333", "bbbb"},
		{"a success between", inRow, "tt2t", "abab"},
		{"500 is a success", inRow, "tt5t", "abab"},
		{"unlisted says nothing", inRow, "tt9t", "bbbb"},
		{"back by a success", inRow, "ttt2", "abab"},
		{"statuses off", noHTTP, "3333", "abab"},
		{"successes off", noReset, "tt2t", "bbbb"},
		{"all off", off, "ttttoooo3333", "abab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := pair(tt.checks)
			b := New(u, nil)
			for _, event := range tt.events {
				tell(b, u.Targets[0], event)
			}
			if got := picked(b, 4); got != tt.want {
				t.Errorf("picked %q, want %q", got, tt.want)
			}
		})
	}
}

func tell(b *Balancer, t *config.Target, event rune) {
	switch event {
	case 't':
		b.Failed(t, TCP)
	case 'o':
		b.Failed(t, Timeout)
	default:
		b.Answered(t, map[rune]int{'2': 200, '3': 503, '4': 504, '5': 500, '9': 599}[event])
	}
}

func TestAllOut(t *testing.T) {
	t.Parallel()
	u := pair(thresholds())
	b := New(u, nil)
	for range 3 {
		b.Failed(u.Targets[0], TCP)
		b.Failed(u.Targets[1], TCP)
	}
	if got := picked(b, 2); got != "--" {
		t.Errorf("picked %q, want none", got)
	}
	if got := picked(New(pair(thresholds()), b), 2); got != "--" {
		t.Errorf("picked %q with the configuration loaded anew, want none", got)
	}
}

// TestActive lets the targets die and come back, and looks after each check.
func TestActive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var checks config.Healthchecks
		checks.Active.Timeout = 2
		checks.Active.Healthy = config.Healthy{Interval: 10, Successes: 1, Statuses: config.Statuses{200}}
		checks.Active.Unhealthy = config.Unhealthy{Interval: 10, TCPFailures: 1, HTTPFailures: 1, Timeouts: 2, Statuses: config.Statuses{503}}
		b := New(pair(checks), nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var a atomic.Int64 // what target a answers; 0 refuses, -1 hangs
		a.Store(200)
		go b.Check(ctx, func(ctx context.Context, target *config.Target) (int, error) {
			switch answer := a.Load(); {
			case target.Host == "b":
				return 200, nil
			case answer == 0:
				return 0, errors.New("connection refused")
			case answer < 0:
				<-ctx.Done()
				return 0, ctx.Err()
			default:
				return int(answer), nil
			}
		})
		time.Sleep(5 * time.Second) // so that what follows looks when a check is over
		for i, step := range []struct {
			answer int64
			want   string
		}{
			{200, "abab"}, {503, "bbbb"}, {503, "bbbb"}, {200, "abab"}, {0, "bbbb"}, {418, "bbbb"}, {200, "abab"},
			{-1, "abab"}, {-1, "bbbb"}, {200, "abab"},
		} {
			a.Store(step.answer)
			time.Sleep(10 * time.Second)
			b.next = 0
			if got := picked(b, 4); got != step.want {
				t.Errorf("check %d, with an answer of %d: picked %q, want %q", i, step.answer, got, step.want)
			}
		}
	})
}
