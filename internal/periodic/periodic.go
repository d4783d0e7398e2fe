// Package periodic does something again and again in the background, from when
// it is first wanted until it is stopped.
package periodic

import (
	"context"
	"sync"
	"time"
)

// Task is what is done. The zero value is not ready; see [New].
type Task struct {
	every time.Duration
	do    func(context.Context)

	once   sync.Once
	cancel context.CancelFunc // nil for a task that never ran
	done   chan struct{}
}

// New is a task that is not running yet. Its context ends when it is stopped.
func New(every time.Duration, do func(context.Context)) *Task {
	return &Task{every: every, do: do, done: make(chan struct{})}
}

// Start runs the task, at once and then every so often, the first time that it
// is called.
func (t *Task) Start() {
	t.once.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		t.cancel = cancel
		go t.run(ctx)
	})
}

func (t *Task) run(ctx context.Context) {
	defer close(t.done)
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for {
		t.do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Stop ends the task for good and waits for it. It says whether it ever ran.
func (t *Task) Stop() bool {
	t.once.Do(func() {})
	if t.cancel == nil {
		return false
	}
	t.cancel()
	<-t.done
	return true
}
