package services

import (
	"net/http"
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// faults holds the fault that is set, if any. The zero value has none.
type faults struct {
	mu     sync.Mutex
	set    *Fault
	credit int           // thousandths gathered towards the next hit
	lifted chan struct{} // closed when the fault is no longer set
}

// next returns the fault for a request of path, if there is one.
func (f *faults) next(path string) (fault Fault, lifted <-chan struct{}, hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set == nil || !f.set.matches(path) {
		return Fault{}, nil, false
	}
	f.credit += f.set.steps()
	if f.credit < 1000 {
		return Fault{}, nil, false
	}
	f.credit -= 1000
	return *f.set, f.lifted, true
}

func (f *faults) replace(with *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set != nil {
		close(f.lifted)
	}
	f.set = with
	if with != nil {
		f.lifted = make(chan struct{})
		f.credit = 1000 - with.steps()
	}
}

func (f *faults) handlePut(w http.ResponseWriter, r *http.Request) {
	fault, err := parseFault(http.MaxBytesReader(w, r.Body, maxControlBody))
	if err != nil {
		problem.Write(w, problem.InvalidParameter("body", err.Error()))
		return
	}
	f.replace(&fault)
	w.WriteHeader(http.StatusNoContent)
}

func (f *faults) handleDelete(w http.ResponseWriter, _ *http.Request) {
	f.replace(nil)
	w.WriteHeader(http.StatusNoContent)
}

// inject makes requests for next meet the fault that is set.
func (f *faults) inject(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, lifted, hit := f.next(r.URL.Path)
		if !hit {
			next.ServeHTTP(w, r)
			return
		}
		if fault.LatencyMS > 0 && !wait(r, time.After(time.Duration(fault.LatencyMS)*time.Millisecond), lifted) {
			return
		}
		if fault.Hang && !wait(r, nil, lifted) {
			return
		}
		fault.answer(w, r, next)
	})
}

// wait returns when one of the two has come, or false when the caller has gone.
func wait(r *http.Request, timer <-chan time.Time, lifted <-chan struct{}) bool {
	select {
	case <-timer:
		return true
	case <-lifted:
		return true
	case <-r.Context().Done():
		return false
	}
}
