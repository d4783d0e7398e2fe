package configcheck

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// checks are the health checks of an upstream.
type checks struct {
	active, passive map[string]any
	// never says that Kong runs no active check.
	never bool
}

// checksOf reads those of an upstream. Kong runs active checks of HTTP by TCP as little as
// those of TCP by HTTP (kong/runloop/balancer/healthcheckers.lua, create_healthchecker).
func (p *pass) checksOf(upstream *gateway.Entity) checks {
	h := gateway.Map(upstream.Fields["healthchecks"])
	c := checks{active: gateway.Map(h["active"]), passive: gateway.Map(h["passive"])}
	c.never = byTCP(c.active) != p.calledByTCP(upstream)
	return c
}

func byTCP(checks map[string]any) bool { return checks["type"] == "tcp" }

// calledByTCP reports whether services call an upstream, and none of them by HTTP.
func (p *pass) calledByTCP(upstream *gateway.Entity) (called bool) {
	for _, service := range p.config.All("services") {
		a := gateway.AddressOf(service)
		if a.Host == "" || a.Host != upstream.Name() {
			continue
		}
		if isHTTP(a.Protocol) {
			return false
		}
		called = true
	}
	return called
}

// number is a field of the healthy or unhealthy part of checks; Kong's defaults are 0.
func number(of map[string]any, part, field string) float64 {
	n, _ := gateway.Map(of[part])[field].(float64)
	return n
}

// asks reports whether targets that are well are asked, and those that are not.
func (c checks) asks(part string) bool { return !c.never && number(c.active, part, "interval") > 0 }

// why says what is wrong with active checks that are written, and never run.
func (c checks) why() string {
	if !c.never || c.active == nil {
		return ""
	}
	if byTCP(c.active) {
		return " (Kong runs active checks of type tcp for services by TCP only)"
	}
	return " (for services by TCP, Kong runs active checks of type tcp only)"
}

// counts reports whether checks take targets out: those that ask, or those that look at requests.
func counts(of map[string]any) bool {
	for _, field := range []string{"http_failures", "tcp_failures", "timeouts"} {
		if number(of, "unhealthy", field) > 0 {
			return true
		}
	}
	return false
}

// takeOut reports whether there are checks that take a target out.
func (c checks) takeOut() bool {
	return counts(c.passive) || c.asks("healthy") && counts(c.active)
}

func (p *pass) healthOff() {
	for _, upstream := range p.config.All("upstreams") {
		c := p.checksOf(upstream)
		if len(p.config.Targets(upstream)) > 1 && !c.takeOut() {
			p.found(upstream, at("healthchecks"), "no health check takes a target out, as is Kong's default: one that is down gets its share of the requests"+c.why(),
				"write healthchecks with active and passive ones")
		}
	}
}

func (p *pass) healthNoReturn() {
	for _, upstream := range p.config.All("upstreams") {
		c := p.checksOf(upstream)
		if c.takeOut() && (!c.asks("unhealthy") || number(c.active, "healthy", "successes") == 0) {
			p.found(upstream, at("healthchecks", "active"), "a target that is taken out is never asked again: it stays out until somebody brings it back"+c.why(),
				"write active.unhealthy.interval and active.healthy.successes")
		}
	}
}

// Kong's defaults of the statuses by which an active check judges.
var (
	defaultHealthy   = []any{200.0, 302.0}
	defaultUnhealthy = []any{429.0, 404.0, 500.0, 501.0, 502.0, 503.0, 504.0, 505.0}
)

func (p *pass) healthStatuses() {
	for _, upstream := range p.config.All("upstreams") {
		c := p.checksOf(upstream)
		if byTCP(c.active) || !c.asks("unhealthy") {
			continue
		}
		if left := unlisted(c.active); len(left) > 0 {
			p.found(upstream, at("healthchecks", "active"), fmt.Sprintf("%s of active checks %s in neither list of http_statuses: a target that is out and answers so stays out (Kong/kong#15001)",
				some(left), map[bool]string{true: "is", false: "are"}[len(left) == 1]), "list each status under healthy or under unhealthy")
		}
	}
}

// unlisted are the registered final statuses that are in neither list of active checks.
func unlisted(active map[string]any) (left []string) {
	listed := map[float64]bool{}
	for part, standard := range map[string][]any{"healthy": defaultHealthy, "unhealthy": defaultUnhealthy} {
		statuses, written := gateway.Map(active[part])["http_statuses"].([]any)
		if !written {
			statuses = standard
		}
		for _, status := range statuses {
			if code, ok := status.(float64); ok {
				listed[code] = true
			}
		}
	}
	for code := 200; code < 600; code++ {
		if http.StatusText(code) != "" && !listed[float64(code)] {
			left = append(left, fmt.Sprint(code))
		}
	}
	return left
}

// some are the first few of many.
func some(of []string) string {
	const few = 5
	if len(of) <= few {
		return strings.Join(of, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(of[:few], ", "), len(of)-few)
}
