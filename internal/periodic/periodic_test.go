package periodic

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		task := New(10*time.Second, func(context.Context) { runs++ })
		for range 3 {
			task.Start()
		}
		time.Sleep(25 * time.Second)
		for range 2 {
			if !task.Stop() {
				t.Error("the task says that it never ran")
			}
		}
		time.Sleep(time.Minute)
		if task.Start(); runs != 3 {
			t.Errorf("ran %d times in 25s, want at once and after 10s and 20s", runs)
		}
	})
}

func TestStopInterrupts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		task := New(time.Second, func(ctx context.Context) { <-ctx.Done() })
		task.Start()
		synctest.Wait()
		task.Stop() // or the test deadlocks
	})
}

func TestNeverStarted(t *testing.T) {
	t.Parallel()
	task := New(time.Second, func(context.Context) { t.Error("it runs") })
	if task.Stop() {
		t.Error("the task says that it ran")
	}
	task.Start() // too late
}
