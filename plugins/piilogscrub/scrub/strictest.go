package scrub

import (
	"bytes"
	"cmp"
	"slices"
)

// Strictest is the policy for a text that may be of any of policies: it takes out what
// one of them would. Fields, path templates and patterns of all of them count,
// NeverFields only where all agree, of each kind's actions the strictest, and of the
// bounds the smallest. Without policies it is the zero value.
//
// A pseudonym stays one only where all say so, under one key: elsewhere the value is
// redacted.
func Strictest(policies ...Policy) Policy {
	if len(policies) == 0 {
		return Policy{}
	}
	var s Policy
	for i, p := range policies {
		s.Fields = union(s.Fields, p.Fields)
		s.PathTemplates = union(s.PathTemplates, p.PathTemplates)
		for _, one := range p.Patterns {
			if !slices.ContainsFunc(s.Patterns, one.equal) {
				s.Patterns = append(s.Patterns, one)
			}
		}
		s.NeverFields = common(i == 0, s.NeverFields, p.NeverFields)
		s.MaxBytes = smaller(s.MaxBytes, cmp.Or(p.MaxBytes, DefaultMaxBytes))
		s.MaxDepth = smaller(s.MaxDepth, cmp.Or(p.MaxDepth, DefaultMaxDepth))
	}
	s.PseudonymKey, s.PseudonymKeyID = oneKey(policies)
	s.Actions = strictestActions(policies, len(s.PseudonymKey) > 0)
	return s
}

func union(a, b []string) []string {
	for _, one := range b {
		if !slices.Contains(a, one) {
			a = append(a, one)
		}
	}
	return a
}

// common is the names that both lists have, however they are written, or all of b if it
// is the first list.
func common(first bool, a, b []string) []string {
	if first {
		return slices.Clone(b)
	}
	return slices.DeleteFunc(a, func(name string) bool {
		return !slices.ContainsFunc(b, func(other string) bool { return normalize(other) == normalize(name) })
	})
}

// smaller takes 0 for no bound yet.
func smaller(a, b int) int {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// oneKey is the key of the policies that have one, if it is the same.
func oneKey(policies []Policy) (key []byte, id string) {
	for _, p := range policies {
		switch {
		case len(p.PseudonymKey) == 0:
		case key == nil:
			key, id = p.PseudonymKey, p.PseudonymKeyID
		case !bytes.Equal(key, p.PseudonymKey) || id != p.PseudonymKeyID:
			return nil, ""
		}
	}
	return key, id
}

// strictness ranks actions by what they leave of a value.
var strictness = map[Action]int{Keep: 0, KeepLast4: 1, Truncate: 1, Pseudonym: 2, Redact: 3, Drop: 4}

func strictestActions(policies []Policy, hasKey bool) map[Kind]Action {
	actions := effective(policies[0].Actions)
	for _, p := range policies[1:] {
		for kind, other := range effective(p.Actions) {
			actions[kind] = stricter(actions[kind], other)
		}
	}
	chosen := map[Kind]Action{}
	for kind := range Kinds() {
		chosen[kind] = actions[kind]
		if chosen[kind] == Pseudonym && !hasKey {
			chosen[kind] = Redact
		}
	}
	return chosen
}

// stricter leaves what neither of two actions leaves: of two that leave different parts
// of a value, none is.
func stricter(a, b Action) Action {
	switch {
	case a == b || strictness[a] > strictness[b]:
		return a
	case strictness[a] < strictness[b]:
		return b
	}
	return Redact
}

func (p Pattern) equal(other Pattern) bool {
	return p.Name == other.Name && p.Regexp == other.Regexp && slices.Equal(p.Keywords, other.Keywords)
}
