package onehop_test

import (
	"slices"
	"testing"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/entities"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// prefetching is a configuration that declares what it reads.
type prefetching interface {
	Prefetch(phase string) [][2]string
}

// TestDeclaredReadsAreMade runs the phases of a request as Kong does: a read that is
// declared and not made costs Kong's worker time for nothing.
func TestDeclaredReadsAreMade(t *testing.T) {
	t.Parallel()
	req := kongtest.Request{
		Log: record(t), Shared: token(`{"tenant":"acme","sub":"u1"}`), CredentialID: "k",
		Consumer: &entities.Consumer{Id: "c"}, Route: &entities.Route{Id: "r"},
	}
	for name, lines := range map[string]bool{"log events": false, "access lines": true} {
		ofAccess := map[bool]int{false: 8, true: 7}[lines]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := all
			s.scrub = `{}`
			p, hop := newProcess(t, s), newProcess(t, s)
			hop.options.AccessLines = lines
			rewrites, _, _ := p.apart(t)
			one := hop.oneHop(t)
			for _, part := range []struct {
				name, phase string
				config      prefetching
				before      []handler
				handler     func(*pdk.PDK)
				want        int
			}{
				{"pii-log-scrub", "access", p.scrub, rewrites, p.scrub.Access, 2},
				{"pii-log-scrub", "log", p.scrub, nil, p.scrub.Log, 2},
				{"trace-inject", "access", p.trace, nil, p.trace.Access, 0},
				{"tenant-rate-limit", "access", p.limit, nil, p.limit.Access, 3},
				{"sunset-headers", "access", p.sunset, nil, p.sunset.Access, 4},
				{"gatehouse", "rewrite", one, nil, one.Rewrite, 0},
				{"gatehouse", "access", one, []handler{one.Rewrite}, one.Access, ofAccess},
				{"gatehouse", "log", one, []handler{one.Rewrite, one.Access}, one.Log, 3},
			} {
				_, after, _ := run(t, req, true, part.before...)
				_, _, made := run(t, after, true, part.handler)
				declared := part.config.Prefetch(part.phase)
				unique := map[[2]string]bool{}
				for _, read := range declared {
					unique[read] = true
					if !slices.Contains(made, read[0]) {
						t.Errorf("%s, %s: %q is declared and not made; it calls %q", part.name, part.phase, read, made)
					}
				}
				if len(unique) != part.want {
					t.Errorf("%s, %s: %d reads are declared, want %d: %q", part.name, part.phase, len(unique), part.want, declared)
				}
			}
		})
	}
}

// TestDeclaredReadsOfARoute: a route that is remembered is not asked for.
func TestDeclaredReadsOfARoute(t *testing.T) {
	t.Parallel()
	p := newProcess(t, all)
	one := p.oneHop(t)
	one.RouteID = "r"
	if declared := one.Prefetch("access"); slices.Contains(declared, kongrequest.ReadRoute) || len(declared) == 0 {
		t.Errorf("declared: %q", declared)
	}
}
