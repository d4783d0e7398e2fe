// Package fanout gets the parts of a page side by side, under one deadline. A
// part is required, so that the page fails without it and the others are
// cancelled, or optional, so that the page goes out without it and says so.
package fanout

import (
	"context"
	"fmt"
	"runtime/debug"
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
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallel)
	for i, part := range parts {
		group.Go(func() error {
			if err := part.run(ctx); err != nil {
				failed[i] = &PartError{Part: part.name, Err: err}
			}
			if failed[i] == nil || part.optional {
				return nil
			}
			return failed[i]
		})
	}
	err = group.Wait()
	if outer.Err() != nil {
		return nil, outer.Err()
	}
	if err != nil {
		return nil, err
	}
	return compact(failed), nil
}

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
