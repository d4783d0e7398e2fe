package exchange

import (
	"fmt"
	"strings"
)

// Phase is a phase of Kong's request processing; the values are Kong's bits
// (kong/pdk/private/phases.lua), so that sets of phases can be made of them.
type Phase uint32

// The phases that an exchange goes through.
const (
	Rewrite      Phase = 0x00000010
	Access       Phase = 0x00000020
	balancer     Phase = 0x00000040
	response     Phase = 0x00000080
	HeaderFilter Phase = 0x00000200
	BodyFilter   Phase = 0x00000400
	Log          Phase = 0x00002000
	ErrorPage    Phase = 0x01000000
	adminAPI     Phase = 0x10000000
	clusterPhase Phase = 0x00000100
)

// Sets of phases in which PDK functions may be called.
const (
	AnyPhase       Phase = 0
	RequestPhases        = Rewrite | Access | balancer | response | HeaderFilter | BodyFilter | Log | ErrorPage | adminAPI | clusterPhase
	AccessAndLater       = Access | HeaderFilter | response | BodyFilter | Log
	BeforeBody           = Rewrite | Access | response | balancer | HeaderFilter | ErrorPage | adminAPI
	WithContext          = Rewrite | Access | HeaderFilter | response | BodyFilter | Log
	RequestChange        = Rewrite | Access
)

var phaseNames = []struct {
	phase Phase
	name  string
}{
	{Rewrite, "rewrite"}, {Access, "access"}, {balancer, "balancer"}, {response, "response"},
	{clusterPhase, "cluster_listener"}, {HeaderFilter, "header_filter"}, {BodyFilter, "body_filter"},
	{Log, "log"}, {ErrorPage, "error"}, {adminAPI, "admin_api"},
}

// Names lists the phases of a set, in the order of their bits.
func (p Phase) Names() string {
	var names []string
	for _, n := range phaseNames {
		if p&n.phase != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ", ")
}

// Check returns the error that Kong throws when a function is called outside
// its phases.
func (p Phase) Check(accepted Phase) error {
	if accepted == AnyPhase || p&accepted != 0 {
		return nil
	}
	return fmt.Errorf("function cannot be called in %s phase (only in: %s)", p.Names(), accepted.Names())
}
