package piilogscrub

import (
	"time"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/audit"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/requestlog"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// Scrubber is a configuration at work: what it does in each phase of a request. The
// plugin's own handlers are made of it, and so is the plugin that runs several in one
// event. It is safe for concurrent use.
type Scrubber struct {
	runtime *Runtime
	texts   scrub.Counted
	// audits says that a record of each request is written, as recorder makes it.
	audits   bool
	recorder audit.Recorder
	degraded bool // all texts are dropped, unread

	forAll bool // the configuration is for all requests
	logs   logging
}

// degrade has all texts dropped, and audit records say so.
func (s *Scrubber) degrade() {
	s.degraded, s.texts.Engine = true, scrub.Dropping()
	s.recorder.Texts, s.recorder.Degraded = s.texts, Name
}

// Rewrite is the rewrite phase: it replaces what log plugins will write of the request.
// It does not tell the access phase of it.
func (s *Scrubber) Rewrite(e *kongrequest.Event) {
	defer s.timed("rewrite", s.runtime.now())
	if s.degraded {
		s.drop(e.Kong(), requestlog.Dropped()...)
		return
	}
	if err := s.replaceRequest(e); err != nil {
		s.Failed(e.Kong(), err)
	}
}

// Access is the access phase, where a route is known: it replaces the path towards the
// service, and all the rest unless a rewrite phase ran.
func (s *Scrubber) Access(e *kongrequest.Event, rewritten bool) {
	defer s.timed("access", s.runtime.now())
	switch {
	case s.degraded && rewritten:
		s.drop(e.Kong(), requestlog.DroppedUpstreamURI())
		return
	case s.degraded:
		s.drop(e.Kong(), requestlog.Dropped()...)
		return
	}
	replace := s.replaceRequest
	if rewritten {
		replace = s.replaceUpstream
	}
	if err := replace(e); err != nil {
		s.Failed(e.Kong(), err)
	}
}

func (s *Scrubber) replaceUpstream(e *kongrequest.Event) error {
	r, err := readRequest(e)
	if err != nil {
		return err
	}
	return writeFields(e.Kong(), requestlog.UpstreamURI(s.texts, r))
}

func (s *Scrubber) replaceRequest(e *kongrequest.Event) error {
	r, err := readRequest(e)
	if err != nil {
		return err
	}
	if r.Headers, err = requestHeaders(e.Kong()); err != nil {
		return err
	}
	return writeFields(e.Kong(), requestlog.Fields(s.texts, r)...)
}

// Failed drops everything that log plugins would write of the request: for where a
// phase failed or panicked.
func (s *Scrubber) Failed(kong *pdk.PDK, err error) {
	s.runtime.logger.Error("scrub request", "error", err)
	s.drop(kong, requestlog.Dropped()...)
}

func (s *Scrubber) drop(kong *pdk.PDK, markers ...requestlog.Field) {
	if err := writeFields(kong, markers...); err != nil {
		s.runtime.logger.Error("drop log field", "error", err)
		return
	}
	s.runtime.metrics.drops.WithLabelValues("request").Inc()
}

// Audits reports whether there is an audit record of each request.
func (s *Scrubber) Audits() bool { return s.audits }

// Log is the log phase: it writes the audit record of what Kong knows of the request,
// which is over.
func (s *Scrubber) Log(e *kongrequest.Event) {
	if !s.audits {
		s.unwanted(e)
		return
	}
	s.expectLogs()
	s.audit(func() error {
		request, err := e.Record()
		if err != nil {
			return err
		}
		request.Correction = s.runtime.ledger.GivenUp(request.Request.ID)
		token, err := e.Token()
		if err != nil {
			return err
		}
		var headers map[string][]string
		if len(s.recorder.ResponseHeaders) > 0 {
			if headers, err = responseHeaders(e.Kong()); err != nil {
				return err
			}
		}
		if err := s.write(request, s.Who(request, token), headers); err != nil {
			return err
		}
		s.runtime.ledgerFailed(s.runtime.ledger.Recorded(request.Request.ID))
		return nil
	})
}

// Who is who was asking, as the audit record says it. token is the one that Kong
// verified, or nil.
func (s *Scrubber) Who(request *kongrecord.Record, token *identity.Token) identity.Principal {
	return s.recorder.Who(request, token)
}

// Ended writes the audit record of a request that is over, whose response's headers
// nobody knows. It asks Kong nothing.
func (s *Scrubber) Ended(request *kongrecord.Record, who identity.Principal) {
	s.audit(func() error { return s.write(request, who, nil) })
}

func (s *Scrubber) write(request *kongrecord.Record, who identity.Principal, headers map[string][]string) error {
	s.runtime.metrics.requests.ended(request)
	err := s.runtime.audit.Handle(audit.Context(request), s.recorder.Record(request, who, headers))
	if err == nil && request.Partial {
		s.runtime.metrics.partial.Inc()
	}
	return err
}

// audit counts an audit record that write writes.
func (s *Scrubber) audit(write func() error) {
	if !s.audits {
		return
	}
	defer s.timed("log", s.runtime.now())
	outcome := auditWritten
	if err := write(); err != nil {
		outcome = auditFailed
		if held, ok := s.runtime.unaudited.Allow(s.runtime.now()); ok {
			s.runtime.logger.Error("write audit record", "error", err, "suppressed", held)
		}
	}
	s.runtime.metrics.audits.WithLabelValues(outcome).Inc()
}

func (s *Scrubber) timed(phase string, began time.Time) {
	s.runtime.metrics.seconds.WithLabelValues(phase).Observe(s.runtime.now().Sub(began).Seconds())
}
