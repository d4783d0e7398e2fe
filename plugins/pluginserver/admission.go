package pluginserver

import "time"

// enter waits until one more event of its plugin and phase may run, so that those of a
// slow plugin keep no others from running. It reports false for an event of the log
// phase that would take a connection which is needed for requests: nobody waits for it,
// and Kong loses log events too when it has too many.
func (s *Server) enter(ev *event) bool {
	if ev.phase == logging && s.logEvents.Add(1) > int64(max(s.opts.MaxConnections/2, 1)) {
		s.logEvents.Add(-1)
		s.logLost(ev)
		return false
	}
	slots := ev.inst.plugin.slots[ev.phase]
	select {
	case slots <- struct{}{}:
	default:
		s.metrics.eventWaits.Inc()
		slots <- struct{}{}
		ev.started = ev.conn.session.clock(time.Now())
	}
	s.metrics.running.Inc()
	return true
}

// leave ends an event that has entered.
func (s *Server) leave(ev *event) {
	s.metrics.running.Dec()
	<-ev.inst.plugin.slots[ev.phase]
	if ev.phase == logging {
		s.logEvents.Add(-1)
	}
}

func (s *Server) logLost(ev *event) {
	if s.lost.due(time.Now()) {
		s.opts.Logger.Error("log events are dropped: as many as may are under way", "plugin", ev.inst.plugin.Name,
			"limit", max(s.opts.MaxConnections/2, 1), "fix", "find what the log handlers wait for; -max-connections allows more")
	}
}
