// Package quota is the core of tenant-rate-limit: which limits apply to a request, what
// their counters say, and what to tell the client and the service. It knows no Kong:
// values go in, values come out.
//
// A request goes through [Decider.Decide] once:
//
//	identity.Resolve   who is asking
//	rulesFor           which limits that one has: everybody's, the plan's, the tenant's own
//	evaluate           what each limit's counter says; see package limiter
//	responseHeaders    what the client is told
//	upstreamHeaders    what the service is told
//
// Nothing in this package is global, and it starts no goroutine: what runs in the
// background belongs to the parts that a [Backend] has, and to whoever made them.
package quota
