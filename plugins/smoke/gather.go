package smoke

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

// gather asks the backend for every call's spans until each call's are all there, as far as
// they tell, or the time is over. Then it looks for what became of the rest.
func (r *run) gather(ctx context.Context) error {
	waiting := r.answered()
	for deadline := time.Now().Add(r.o.Wait); len(waiting) > 0; {
		var err error
		if waiting, err = r.look(ctx, waiting); err != nil {
			return err
		}
		if len(waiting) == 0 || time.Now().After(deadline) {
			break
		}
		if err := wait(ctx, pollEvery); err != nil {
			return err
		}
	}
	return r.explain(ctx)
}

// answered are the calls whose spans there should be.
func (r *run) answered() (list []*call) {
	for _, c := range r.calls {
		if c.answered && (c.Trace == "" || c.recorded()) {
			list = append(list, c)
		}
	}
	return list
}

// look asks once for each call, and returns those of which something is missing, or was
// new this time.
func (r *run) look(ctx context.Context, calls []*call) (again []*call, err error) {
	const atOnce = 8
	settled := make([]bool, len(calls))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, c := range calls {
		group.Go(func() (err error) {
			settled[i], err = r.lookAt(ctx, c)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, c := range calls {
		if !settled[i] {
			again = append(again, c)
		}
	}
	return again, nil
}

func (r *run) lookAt(ctx context.Context, c *call) (settled bool, err error) {
	before := len(c.evidence.Trace)
	if c.Trace != "" {
		if c.evidence.Trace, err = r.o.Backend.Spans(ctx, c.Trace); err != nil {
			return false, err
		}
	}
	if c.Trace != c.ClientTrace && c.Tracing.Incoming != "continue" {
		if c.evidence.Client, err = r.o.Backend.Spans(ctx, c.ClientTrace); err != nil {
			return false, err
		}
	}
	c.judged = hops.Judge(c.Call, c.evidence)
	// The spans of one hop come in one export or in the next.
	return len(c.judged) == 0 && c.Trace != "" && len(c.evidence.Trace) == before, nil
}

// explain looks for other traces that began while the requests ran, and judges again.
func (r *run) explain(ctx context.Context) error {
	calls := r.answered()
	if len(calls) == 0 {
		return nil
	}
	from, to := calls[0].Sent.Add(-around), calls[len(calls)-1].Answered.Add(around)
	others, err := r.o.Backend.Began(ctx, from, to)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, c := range r.calls {
		known[c.Trace], known[c.ClientTrace] = true, true
	}
	for _, c := range calls {
		c.evidence.Others = nil
		for _, s := range others {
			if !known[s.TraceID] {
				c.evidence.Others = append(c.evidence.Others, s)
			}
		}
		c.judged = hops.Judge(c.Call, c.evidence)
	}
	return nil
}

// arrivals asks the services what they noted, and judges that. Where there is no backend,
// a call that nobody noted is one whose hops nobody saw.
func (r *run) arrivals(ctx context.Context) error {
	if len(r.o.Services) == 0 {
		return nil
	}
	var all []hops.Arrival
	for _, service := range r.o.Services {
		more, err := service.Arrivals(ctx)
		if err != nil {
			return err
		}
		all = append(all, more...)
	}
	for _, c := range r.calls {
		if !c.answered {
			continue
		}
		c.noted, c.joined = hops.JudgeArrivals(c.Call, all, c.Tracing.PassHeaders)
		if r.o.Backend == nil && len(c.noted) == 0 && len(c.joined) == 0 {
			c.noted = []hops.Finding{{Hop: "after " + hops.Gateway, Kind: hops.Silent, Text: "none of the services that were asked noted the request: name one that it comes to with --service, or a trace backend"}}
		}
	}
	return nil
}
