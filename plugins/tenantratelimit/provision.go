package tenantratelimit

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
)

const (
	secondsPerDay = 24 * time.Hour
	// userDefaultName is the name of the limit that always exists.
	userDefaultName = "user-default"
	// peakFactor is how far above the expected peak a user may go.
	peakFactor = 10
	// maxLevels bounds the limits that apply to one request, and so the work
	// that one script call does while Redis does nothing else.
	maxLevels = 32
)

var keyPrefix = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// Provision checks the config, applies the defaults that Kong's schema would
// have, and prepares its decisions. It asks nothing of the network. Each error
// names the field, its value and the fix.
func (c *Config) Provision() error {
	c.applyDefaults()
	if err := c.check(); err != nil {
		return err
	}
	h, err := c.runtime.hub(c.Redis.URL, c.Redis.KeyPrefix)
	if err != nil {
		return err
	}
	built := &compiled{hub: h, maxCost: c.maxCost(), hidden: map[string]bool{}}
	for _, name := range c.HideHeaders {
		built.hidden[name] = true
	}
	if built.plans, err = c.compilePlans(); err != nil {
		return err
	}
	if built.tenants, err = c.compileTenants(built.plans); err != nil {
		return err
	}
	built.needs = c.findNeeds(built.plans)
	c.compiled = built
	return nil
}

func (c *Config) applyDefaults() {
	c.Identity.Names = c.Identity.OrDefaults()
	defaultTo(&c.Identity.PlanClaim, "plan")
	defaultTo(&c.DefaultUserLimit.ExpectedPeak, 10)
	defaultTo(&c.DefaultUserLimit.WindowSeconds, 1)
	defaultTo(&c.DefaultUserLimit.Mode, modeEnforce)
	defaultTo(&c.Redis.TimeoutMS, 20)
	defaultTo(&c.Redis.KeyPrefix, "gatehouse")
	defaultTo(&c.Identity.PlanTag, "plan:")
	defaultTo(&c.OnRedisError, onErrorLocal)
	for i := range c.Limits {
		c.Limits[i].applyDefaults()
	}
	for i := range c.Plans {
		for j := range c.Plans[i].Limits {
			c.Plans[i].Limits[j].applyDefaults()
		}
	}
}

func (l *Limit) applyDefaults() {
	defaultTo(&l.Algorithm, string(limiter.TokenBucket))
	defaultTo(&l.Cost, 1)
	defaultTo(&l.TimeZone, "UTC")
	defaultTo(&l.Mode, modeEnforce)
	defaultTo(&l.Status, statusDenied)
}

func defaultTo[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// What limits and Redis errors may be told to do.
const (
	modeEnforce  = "enforce"
	modeShadow   = "shadow"
	onErrorLocal = "local"
	onErrorAllow = "allow"
	onErrorDeny  = "deny"
)

// check looks at everything but the limits themselves.
func (c *Config) check() error {
	d := c.DefaultUserLimit
	switch {
	case len(c.Limits) == 0 && len(c.Plans) == 0:
		return errors.New("limits: empty, and plans too, so nothing would be limited; write at least one limit or plan")
	case !keyPrefix.MatchString(c.Redis.KeyPrefix):
		return fmt.Errorf("redis.key_prefix: %q would not make a safe Redis key; write 1 to 64 letters, digits, or any of _ . : -", c.Redis.KeyPrefix)
	case c.Redis.TimeoutMS < 1 || c.Redis.TimeoutMS > 1000:
		return fmt.Errorf("redis.timeout_ms: %d is out of range; write the milliseconds that a request may wait (1 to 1000)", c.Redis.TimeoutMS)
	case c.Nodes < 0 || c.Nodes > 10_000:
		return fmt.Errorf("nodes: %d is out of range; write the number of gateway nodes (1 to 10000), or leave it out", c.Nodes)
	case !slices.Contains([]string{onErrorLocal, onErrorAllow, onErrorDeny}, c.OnRedisError):
		return fmt.Errorf("on_redis_error: %q is unknown; write local, allow or deny", c.OnRedisError)
	case d.ExpectedPeak < 1 || d.ExpectedPeak > 1_000_000:
		return fmt.Errorf("default_user_limit.expected_peak: %d is out of range; write the requests of one user in a window (1 to 1000000)", d.ExpectedPeak)
	}
	return errors.Join(c.checkHeaders(), c.checkCosts(), c.checkPlanNames())
}

func (c *Config) checkHeaders() error {
	for i, name := range c.HideHeaders {
		if !slices.Contains(hideable, name) {
			return fmt.Errorf("hide_headers[%d]: %q is not sent by this plugin; write one of: %s", i, name, strings.Join(hideable, ", "))
		}
	}
	return nil
}

func (c *Config) checkCosts() error {
	for i, rule := range c.Costs {
		switch {
		case rule.Cost < 1 || rule.Cost > 1_000_000:
			return fmt.Errorf("costs[%d].cost: %d is out of range; write the units of such a request (1 to 1000000)", i, rule.Cost)
		case rule.Header == "" && len(rule.Values) > 0:
			return fmt.Errorf("costs[%d].values: %q are of no header; write its name in header", i, rule.Values)
		case len(rule.Methods) == 0 && len(rule.Routes) == 0 && rule.Header == "" && i < len(c.Costs)-1:
			return fmt.Errorf("costs[%d]: has no methods, no routes and no header, so the entries after it never count; move it to the end", i)
		}
	}
	return nil
}

func (c *Config) checkPlanNames() error {
	var names []string
	for i, p := range c.Plans {
		if p.Name == "" || slices.Contains(names, p.Name) {
			return fmt.Errorf("plans[%d].name: %q is empty or there twice; give each plan a name of its own", i, p.Name)
		}
		names = append(names, p.Name)
	}
	unknown := func(field, plan string) error {
		if plan == "" || slices.Contains(names, plan) {
			return nil
		}
		return fmt.Errorf("%s: %q is not in plans; write one of: %s", field, plan, strings.Join(names, ", "))
	}
	errs := []error{unknown("default_plan", c.DefaultPlan)}
	for i, t := range c.Tenants {
		errs = append(errs, unknown(fmt.Sprintf("tenants[%d].plan", i), t.Plan))
	}
	return errors.Join(errs...)
}
