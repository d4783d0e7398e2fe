package traceinject

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// announced are the headers in which a rewrite phase has told clients their trace: the
// global configuration's, while the access phase has the route's, which may tell of it in
// others or in none. What is in the former's would be a trace that the request is not in.
// The zero value is ready to use. It is safe for concurrent use.
type announced struct {
	mu    sync.Mutex
	names atomic.Pointer[[]string]
}

// add notes names of headers, each of which is noted once.
func (a *announced) add(names []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	if noted := a.names.Load(); noted != nil {
		all = slices.Clone(*noted)
	}
	for _, name := range names {
		if name = strings.ToLower(name); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	a.names.Store(&all)
}

// withdraw adds to the headers of an answer those to remove: what was announced and is not
// among them.
func (a *announced) withdraw(headers map[string][]string) map[string][]string {
	noted := a.names.Load()
	if noted == nil {
		return headers
	}
	for _, name := range *noted {
		if !tells(headers, name) {
			headers[name] = []string{}
		}
	}
	return headers
}

// tells reports whether a header is among others, whatever the case of their names.
func tells(headers map[string][]string, name string) bool {
	for other := range headers {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}
