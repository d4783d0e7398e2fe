package services

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/internal/requesttimeout"
)

// needed is the time that an answer takes at least, whichever service it is. A fault can
// make it more.
const needed = 5 * time.Millisecond

// inTime refuses requests at once whose caller waits for less than the answer needs: it
// would be made for nobody. A caller that does not say how long it waits, or says it
// wrong, waits.
func (f *faults) inTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait, err := requesttimeout.Read(r.Header)
		needs := max(needed, f.needs(r.URL.Path))
		if err == nil && wait > 0 && wait < needs {
			problem.Write(w, problem.New(problem.TypeTooLittleTime, "Too little time", http.StatusGatewayTimeout,
				fmt.Sprintf("The caller waits for %d ms, and the answer needs %d. Wait longer.", wait.Milliseconds(), needs.Milliseconds())))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// needs is the time that the fault says that an answer for path takes, or 0.
func (f *faults) needs(path string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set == nil || !f.set.matches(path) {
		return 0
	}
	return time.Duration(f.set.NeedsMS) * time.Millisecond
}
