package quota

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// mistakes are what is wrong with a config, each once.
type mistakes []error

func (m *mistakes) add(err error) {
	if !slices.ContainsFunc(*m, func(e error) bool { return e.Error() == err.Error() }) {
		*m = append(*m, err)
	}
}

func (m *mistakes) addf(format string, args ...any) { m.add(fmt.Errorf(format, args...)) }

// check looks at what no tag can say of everything but the limits themselves, and
// leaves out what is no good.
func (d *Decider) check(bad *mistakes) {
	s := &d.settings
	for i, c := range s.Costs {
		if len(c.Methods) == 0 && len(c.Routes) == 0 && c.Header == "" && i < len(s.Costs)-1 {
			bad.addf("costs[%d]: has no methods, no routes and no header, so the entries after it never count; move it to the end", i)
		}
	}
	s.checkPlanNames(bad)
}

// checkPlanNames leaves out references to plans that there are not, and names plans that
// cannot be told apart.
func (s *Settings) checkPlanNames(bad *mistakes) {
	var names []string
	for i, p := range s.Plans {
		if p.Name == "" || slices.Contains(names, p.Name) {
			bad.addf("plans[%d].name: %q is empty or the name of an earlier plan; give each plan a name of its own", i, p.Name)
			continue
		}
		names = append(names, p.Name)
	}
	known := func(field string, plan *string) {
		if *plan == "" || slices.Contains(names, *plan) {
			return
		}
		fix := "write one of: " + strings.Join(names, ", ")
		if len(names) == 0 {
			fix = "there are no plans: add it to plans, or remove the field"
		}
		bad.addf("%s: %q is not in plans; %s", field, *plan, fix)
		*plan = ""
	}
	known("default_plan", &s.DefaultPlan)
	s.Tenants = slices.Clone(s.Tenants) // the caller's stay as they are
	for i := range s.Tenants {
		known(fmt.Sprintf("tenants[%d].plan", i), &s.Tenants[i].Plan)
	}
}

func (s *Settings) prepareIssuers(bad *mistakes) identity.Issuers {
	issuers, mistakes := identity.NewIssuers(s.Issuers)
	for _, mistake := range mistakes {
		bad.addf("identity.issuers%w", mistake)
	}
	return issuers
}
