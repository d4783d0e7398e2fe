// Package fanout gets the parts of a page side by side, under one deadline. A
// part is required, so that the page fails without it and the others are
// cancelled, or optional, so that the page goes out without it and says so.
package fanout

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// maxParallel bounds the goroutines of one Run. A page has fewer parts; more
// wait their turn while the budget runs.
const maxParallel = 8

// Part is one thing that a page shows. Make it with Required or Optional.
type Part struct {
	name     string
	timeout  time.Duration
	optional bool
	fetch    func(context.Context) error
}

// Required is a part that the page cannot go without.
func Required(name string, timeout time.Duration, fetch func(context.Context) error) Part {
	return Part{name: name, timeout: timeout, fetch: fetch}
}

// Optional is a part whose absence makes the page degraded, not failed.
func Optional(name string, timeout time.Duration, fetch func(context.Context) error) Part {
	return Part{name: name, timeout: timeout, optional: true, fetch: fetch}
}

// Into makes a part's fetch function of one that returns a value, which it puts
// into dst unless there was an error. dst may be read when Run has returned.
func Into[T any](dst *T, fetch func(context.Context) (T, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		v, err := fetch(ctx)
		if err != nil {
			return err
		}
		*dst = v
		return nil
	}
}

// PartError tells which part failed.
type PartError struct {
	Part string
	Err  error
}

func (e *PartError) Error() string { return fmt.Sprintf("get %s: %v", e.Part, e.Err) }

// Unwrap gives the error of the part's fetch function.
func (e *PartError) Unwrap() error { return e.Err }

// Run fetches all parts side by side, each within its own timeout and all
// within budget, and returns when every fetch function has returned: these must
// heed their context, and then nothing runs on after Run.
//
// The first required part that fails cancels the rest and is the error. Optional
// parts that failed come back in the order in which they were given. If ctx ends,
// Run returns its error, whatever the parts made of that. A fetch function that
// panics has failed.
func Run(ctx context.Context, budget time.Duration, parts ...Part) (degraded []*PartError, err error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	failed := make([]*PartError, len(parts))
	var first sync.Once
	fetch := func(i int) {
		part := parts[i]
		cause := part.run(ctx)
		if cause == nil {
			return
		}
		failed[i] = &PartError{Part: part.name, Err: cause}
		if !part.optional {
			first.Do(func() { err = failed[i] })
			cancel()
		}
	}
	sideBySide(len(parts), fetch)
	switch {
	case outer.Err() != nil:
		return nil, outer.Err()
	case err != nil:
		return nil, err
	}
	return compact(failed), nil
}

// sideBySide calls fetch with 0 to n-1, maxParallel of them at once, and returns when
// all have returned.
func sideBySide(n int, fetch func(i int)) {
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for i := range n {
		group.Go(func() error {
			growStack()
			fetch(i)
			return nil
		})
	}
	_ = group.Wait() // no function fails
}

// growStack makes the stack of a fresh goroutine as large as a call of a service needs,
// in one step and while there is nothing on it to be moved: growing it on the way, twice
// and under all the frames of an HTTP client, is 7 % of what a page costs.
//
//go:noinline
func growStack() {
	var room [6 << 10]byte // with it 8 kB, from 2
	touch(&room)
}

//go:noinline
func touch(room *[6 << 10]byte) { room[0] = 1 }

func (p Part) run(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return p.fetch(ctx)
}

func compact(failed []*PartError) []*PartError {
	var out []*PartError
	for _, f := range failed {
		if f != nil {
			out = append(out, f)
		}
	}
	return out
}
