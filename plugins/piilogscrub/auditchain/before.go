package auditchain

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditread"
)

// LastStates is what the chains in r have come to, but for those of which a later start
// says it already: what a chain's start names is named once. Lines that are none, such as
// the rest of one at the beginning of r, do not count.
func LastStates(r io.Reader) ([]State, error) {
	var states []State // few: a process' chain ends before the next but one begins
	for line, err := range auditread.Lines(r) {
		if err != nil {
			return states, fmt.Errorf("read audit chains: %w", err)
		}
		l, ok := parseLink(line)
		if !ok || !json.Valid(line) {
			continue
		}
		if l.signature != nil {
			states = withoutNamed(states, line)
		}
		states = slices.DeleteFunc(states, func(s State) bool { return s.Chain == string(l.chain) })
		states = append(states, State{Chain: string(l.chain), Seq: l.seq, Hash: hashOf(line)})
	}
	return states, nil
}

// withoutNamed takes out what a start names.
func withoutNamed(states []State, start []byte) []State {
	var m mark
	if json.Unmarshal(start, &m) != nil {
		return states
	}
	return slices.DeleteFunc(states, func(s State) bool { return slices.Contains(m.Before, s) })
}
