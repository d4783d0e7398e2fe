package kongrequest

import (
	"errors"
	"sync/atomic"
	"time"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"
)

// probeEvery is how often the composite variable is looked for where it was
// missing: a Kong that is started again with the include shall be noticed.
const probeEvery = time.Minute

// Source opens events, and remembers between them whether nginx has the
// composite variable, and routes and services that are in use. The zero value is ready
// to use. It is safe for concurrent use.
type Source struct {
	// Now is the clock. Default: time.Now.
	Now func() time.Time

	// By ids that a configuration and Kong's router say: no client can write one.
	services memory[entities.Service]
	routes   memory[entities.Route]

	missing atomic.Int64 // when the variable was missing, in Unix nanoseconds; 0: it was not
}

// Open begins to read the request of an event. It asks Kong nothing yet.
func (s *Source) Open(kong *pdk.PDK) *Event { return s.OpenOn(kong, "") }

// OpenOn is Open where the matched route's id is known, since the configuration is of
// that route; empty if it is not.
func (s *Source) OpenOn(kong *pdk.PDK, routeID string) *Event {
	return &Event{kong: kong, source: s, routeID: routeID}
}

// composite asks for all variables at once. found is false where they have to
// be read one by one.
func (s *Source) composite(kong *pdk.PDK) (all values, found bool, err error) {
	if at := s.missing.Load(); at != 0 && s.now().Sub(time.Unix(0, at)) < probeEvery {
		return values{}, false, nil
	}
	text, err := variable(kong, Composite)
	if err != nil {
		return values{}, false, err
	}
	all, err = decode(text)
	switch {
	case err == nil:
		s.missing.Store(0)
		return all, true, nil
	case errors.Is(err, errAbsent):
		s.missing.Store(s.now().UnixNano())
	}
	return values{}, false, nil // one by one tells the same
}

func (s *Source) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
