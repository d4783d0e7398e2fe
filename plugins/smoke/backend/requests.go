package backend

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

// Requests is the record that a sample service keeps of what it received.
type Requests struct {
	Client
	// Service is its name.
	Service string
}

// Arrivals are the last requests that it received.
func (r *Requests) Arrivals(ctx context.Context) ([]hops.Arrival, error) {
	text, err := r.get(ctx, "/__requests", url.Values{"limit": {"1000"}})
	if err != nil {
		return nil, err
	}
	return parseRequests(r.Service, text)
}

func parseRequests(service string, text []byte) ([]hops.Arrival, error) {
	var answer struct {
		Requests []struct {
			Header map[string][]string `json:"headers"`
			Time   time.Time           `json:"time"`
		} `json:"requests"`
	}
	if err := decode(service, text, &answer); err != nil {
		return nil, err
	}
	arrivals := make([]hops.Arrival, 0, len(answer.Requests))
	for _, request := range answer.Requests {
		header := map[string]string{}
		for name, values := range request.Header {
			header[strings.ToLower(name)] = strings.Join(values, ",")
		}
		arrivals = append(arrivals, hops.Arrival{Service: service, Time: request.Time, Header: header})
	}
	return arrivals, nil
}
