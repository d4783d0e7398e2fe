package hops

import (
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/traceinject/formats"
)

// JudgeArrivals says from what services noted of a call in which trace it came to each.
// passed are headers that are the client's by the config. A service that noted nothing
// meanwhile was not called; joined are those that were, in the right trace.
func JudgeArrivals(c Call, all []Arrival, passed []string) (findings []Finding, joined []string) {
	var services []string
	byService := map[string][]Arrival{}
	for _, a := range all {
		if a.meanwhile(&c) {
			if byService[a.Service] == nil {
				services = append(services, a.Service)
			}
			byService[a.Service] = append(byService[a.Service], a)
		}
	}
	slices.Sort(services)
	for _, service := range services {
		list := byService[service]
		own := slices.DeleteFunc(slices.Clone(list), func(a Arrival) bool { return !c.owns(a.trace()) })
		if len(own) == 0 {
			findings = append(findings, c.lost(list[0]))
			continue
		}
		joined = append(joined, service)
		for _, a := range own {
			if format := a.leaks(&c, passed); format != "" {
				findings = append(findings, Finding{"before " + service, Leaks, "it got the client's trace " + c.ClientTrace + " too, in " + strings.Join(format.Headers(), ", "), c.ClientTrace})
				break
			}
		}
	}
	return findings, joined
}

// owns reports whether a trace is the call's. Where the gateway does not say which that is,
// any but the client's may be.
func (c *Call) owns(trace string) bool {
	if c.Trace == "" {
		return trace != "" && trace != c.ClientTrace
	}
	return trace == c.Trace
}

// lost is what became of a call's trace before a service that noted it in another one.
func (c *Call) lost(a Arrival) Finding {
	hop := "before " + a.Service
	switch id := a.trace(); id {
	case "":
		return Finding{hop, Drops, a.Service + " got no traceparent, or one that is not valid", ""}
	case c.ClientTrace:
		return Finding{hop, Leaks, a.Service + " got the client's trace " + id + " in traceparent", id}
	default:
		return Finding{hop, Restarts, a.Service + " got trace " + id + " in traceparent, and the gateway's is " + c.Trace, id}
	}
}

// trace is the id in the traceparent, empty if there is none.
func (a *Arrival) trace() string {
	found, ok := formats.W3C.Read(a.get)
	if !ok {
		return ""
	}
	return found.Span.TraceID.String()
}

func (a *Arrival) get(name string) string { return a.Header[name] }

// leaks is the format in which the client's trace came too, empty if it did not.
func (a *Arrival) leaks(c *Call, passed []string) formats.Format {
	if c.continued() {
		return ""
	}
	known := formats.All()
	slices.Sort(known)
	for _, format := range known {
		byConfig := slices.ContainsFunc(format.Headers(), func(name string) bool { return slices.Contains(passed, name) })
		if found, ok := format.Read(a.get); ok && !byConfig && found.Span.TraceID.String() == c.ClientTrace {
			return format
		}
	}
	return ""
}
