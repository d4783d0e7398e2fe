package onehop

import (
	"errors"
	"fmt"

	"github.com/gatehousehq/gatehouse/plugins/apiversion"
)

// The section api_version runs in the rewrite phase alone: after it the route is chosen.

var errNotForAll = errors.New("the plugin is of a route, a service or a consumer, and those have no rewrite phase, so that no version is negotiated; " +
	"write the section in the plugin gatehouse that is for all requests")

// checkForAll refuses the section where it would do nothing.
func (c *Config) checkForAll(version *apiversion.Config, chosen error) error {
	if version == nil || c.forAll() {
		return chosen
	}
	return errors.Join(chosen, fmt.Errorf("%s: %w", sectionVersion, errNotForAll))
}

// readVersion reads what the client accepts, of a request to an API that has versions.
func (ev *event) readVersion() {
	if ev.hop.version == nil {
		return
	}
	_ = ev.part(sectionVersion, func() (err error) {
		ev.asked, err = ev.hop.version.Read(ev.kong)
		return err
	})
}

// decideVersion chooses the version that routes match on.
func (ev *event) decideVersion() (refused *refusal) {
	if ev.asked == nil {
		return nil
	}
	_ = ev.part(sectionVersion, func() error {
		d := ev.hop.version.Decide(*ev.asked)
		ev.request.decide(apiversion.Name, d.Word)
		ev.headers.merge(d.Upstream, d.Response)
		if d.Refusal != nil {
			refused = &refusal{d.Refusal.Status, d.Refusal.Body}
		}
		return nil
	})
	return refused
}

// keepVersion takes over what the rewrite phase chose: the request that the access phase
// keeps takes the place of that phase's.
func (ev *event) keepVersion() {
	for _, d := range ev.rewritten.decided() {
		if d.Plugin == apiversion.Name {
			ev.request.decide(d.Plugin, d.Word)
		}
	}
}
