package onehop

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// part runs one section's part of an event. An error, or a panic, is of this part alone:
// it is reported, and the event goes on.
func (r *Runtime) part(section string, run func() error) error {
	err := guard(run)
	if err != nil {
		r.report(section, err)
	}
	return err
}

// guard makes a panic an error.
func guard(run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
	}()
	return run()
}

// report counts and logs a failure, with its stack if it is a panic, but no more
// than one stack in a second.
func (r *Runtime) report(section string, err error) {
	r.metrics.failures.WithLabelValues(section).Inc()
	log := r.options.Logger.With("plugin", Name, "section", section)
	var panicked *panicError
	if errors.As(err, &panicked) {
		if _, ok := r.stacked.Allow(r.options.Now()); ok {
			log = log.With("stack", string(panicked.stack))
		}
	}
	log.Error("section failed", "error", err)
}

// panicError is what a section panicked with.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }
