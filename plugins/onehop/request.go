package onehop

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/traceinject/propagation"
)

// request is what is known of a request that its access line does not say. An event
// fills it in; once it is in flight, nobody changes it any more.
type request struct {
	began time.Time
	// complete says that Kong said all that is to be kept.
	complete bool
	// record has what Kong knows and nginx does not: who was asking, and which
	// route the request took. nginx's own facts are those of the beginning.
	record kongrecord.Record
	token  *identity.Token // that Kong verified, or nil
	trace  propagation.Trace
	traced bool
	// ran are the sections that a rewrite phase ran, with commas between; empty if this
	// is of an access phase.
	ran string

	// audits says that there is to be an audit record, scrub who writes it, and who what
	// it says of who was asking. scrub is nil where another process had the configuration.
	audits bool
	scrub  *piilogscrub.Scrubber
	who    identity.Principal
	// overdue says that it has a record already, which does not know how it ended.
	overdue bool
	// slot is where it is in the journal, if it is journaled.
	slot      int
	journaled bool
}

// decide notes what a policy decided; its last word counts. The audit record has them by
// name.
func (r *request) decide(plugin, decision string) {
	decisions := slices.DeleteFunc(r.decided(), func(d kongrecord.Decision) bool { return d.Plugin == plugin })
	decisions = append(decisions, kongrecord.Decision{Plugin: plugin, Word: decision})
	slices.SortFunc(decisions, func(a, b kongrecord.Decision) int { return strings.Compare(a.Plugin, b.Plugin) })
	r.record.Policies = decisions
}

// decided are the decisions noted.
func (r *request) decided() kongrecord.Decisions {
	decisions, _ := r.record.Policies.(kongrecord.Decisions)
	return decisions
}

// decisions are the decisions as log fields.
func (r *request) decisions() []kongwrite.LogField {
	var notes []kongwrite.LogField
	for _, d := range r.decided() {
		notes = append(notes, kongwrite.Decided(d.Plugin, d.Word))
	}
	if r.record.TokenRefused {
		notes = append(notes, kongwrite.TokenRefused())
	}
	if r.record.Limit != "" {
		notes = append(notes, kongwrite.Limited(r.record.Limit))
	}
	return notes
}
