package scrub

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Sound returns the policy without what [New] would refuse, and one error for each of
// that. What stands in for it is at least as strict where there is anything to stand
// in: an action that is none becomes [Redact].
func (p Policy) WithoutMistakes() (Policy, error) {
	var errs []error
	sound := p
	if err := p.validateKey(); err != nil {
		errs = append(errs, err)
		sound.PseudonymKey, sound.PseudonymKeyID = nil, ""
	}
	sound.Actions = make(map[Kind]Action, len(p.Actions))
	for _, kind := range slices.Sorted(maps.Keys(p.Actions)) {
		sound.Actions[kind] = p.Actions[kind]
		if err := p.validateAction(kind, p.Actions[kind]); err != nil {
			errs = append(errs, err)
		}
		if sound.validateAction(kind, sound.Actions[kind]) != nil {
			sound.Actions[kind] = Redact
		}
		if kind >= Dropped {
			delete(sound.Actions, kind)
		}
	}
	sound.Fields = keepSound(p.Fields, &errs, validateName)
	sound.NeverFields = keepSound(p.NeverFields, &errs, validateName)
	sound.PathTemplates = keepSound(p.PathTemplates, &errs, func(s string) error {
		_, err := parseTemplates([]string{s})
		return err
	})
	sound.Patterns = keepSound(p.Patterns, &errs, func(one Pattern) error {
		_, err := compilePatterns([]Pattern{one})
		return err
	})
	if n := len(sound.Patterns); n > maxPatterns {
		errs = append(errs, fmt.Errorf("%d patterns: use at most %d", n, maxPatterns))
		sound.Patterns = sound.Patterns[:maxPatterns]
	}
	if err := p.validateMaxBytes(); err != nil {
		errs, sound.MaxBytes = append(errs, err), 0
	}
	if err := p.validateMaxDepth(); err != nil {
		errs, sound.MaxDepth = append(errs, err), 0
	}
	return sound, errors.Join(errs...)
}

func keepSound[T any](list []T, errs *[]error, check func(T) error) []T {
	var good []T
	for _, one := range list {
		if err := check(one); err != nil {
			*errs = append(*errs, err)
			continue
		}
		good = append(good, one)
	}
	return good
}
