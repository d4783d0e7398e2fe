package limiter

import "time"

// blocked is the meter of a limit of 0, whatever its algorithm. It leaves a counter as
// it is: the counter is of another algorithm, and goes on when the limit is raised.
type blocked struct{}

// blockedWait is when to ask again whether a limit of 0 was raised. Nobody knows when it
// will be, so clients are not told.
const blockedWait = time.Second

func (blocked) advance(saved state, _ int64) state { return saved }

func (blocked) wait(state, int64, int64) int64 { return blockedWait.Microseconds() }

func (blocked) charge(s state, _ int64) state { return s }

func (blocked) left(state, int64) (remaining, reset, idle int64) {
	return 0, blockedWait.Microseconds(), 0
}

func (blocked) used(state) int64 { return 0 }

func (blocked) heard(int64, int64, int64) state { return state{} }
