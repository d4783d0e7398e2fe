package onehop

import (
	"sync"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
)

// renamed is how long the name of a service may be out of date.
const renamed = time.Minute

// serviceNames remembers the names of services, for which Kong would have to be
// asked in each event. It is safe for concurrent use.
type serviceNames struct {
	now func() time.Time

	mu    sync.Mutex
	names map[string]serviceName
}

type serviceName struct {
	name  string
	until time.Time
}

// maxServices bounds the names. A gateway has fewer; what was renamed or removed
// is forgotten with the rest.
const maxServices = 4096

// name is the name of the service that the event's route leads to.
func (s *serviceNames) name(e *kongrequest.Event, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	now := s.now()
	s.mu.Lock()
	known := s.names[id]
	s.mu.Unlock()
	if now.Before(known.until) {
		return known.name, nil
	}
	service, err := e.Service()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil || len(s.names) >= maxServices {
		s.names = map[string]serviceName{}
	}
	s.names[id] = serviceName{service.Name, now.Add(renamed)}
	return service.Name, nil
}
