package scrub

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// WithoutMistakes returns the policy without what [New] would refuse, and one error for
// each mistake. What takes a mistake's place is at least as strict: a kind with an action
// that it may not have is redacted.
func (p Policy) WithoutMistakes() (Policy, error) {
	var errs []error
	valid := p
	if err := p.validateKey(); err != nil {
		errs = append(errs, err)
		valid.PseudonymKey, valid.PseudonymKeyID = nil, ""
	}
	valid.Actions = make(map[Kind]Action, len(p.Actions))
	for _, kind := range slices.Sorted(maps.Keys(p.Actions)) {
		valid.Actions[kind] = p.Actions[kind]
		if err := p.validateAction(kind, p.Actions[kind]); err != nil {
			errs = append(errs, err)
		}
		if valid.validateAction(kind, valid.Actions[kind]) != nil {
			valid.Actions[kind] = Redact
		}
		if kind >= Dropped {
			delete(valid.Actions, kind)
		}
	}
	valid.Fields = keepValid(p.Fields, &errs, validateName)
	valid.NeverFields = keepValid(p.NeverFields, &errs, validateName)
	valid.PathTemplates = keepValid(p.PathTemplates, &errs, func(s string) error {
		_, err := parseTemplates([]string{s})
		return err
	})
	valid.Patterns = keepValid(p.Patterns, &errs, func(one Pattern) error {
		_, err := compilePatterns([]Pattern{one})
		return err
	})
	if n := len(valid.Patterns); n > maxPatterns {
		errs = append(errs, fmt.Errorf("%d patterns: use at most %d", n, maxPatterns))
		valid.Patterns = valid.Patterns[:maxPatterns]
	}
	if err := p.validateMaxBytes(); err != nil {
		errs, valid.MaxBytes = append(errs, err), 0
	}
	if err := p.validateMaxDepth(); err != nil {
		errs, valid.MaxDepth = append(errs, err), 0
	}
	return valid, errors.Join(errs...)
}

func keepValid[T any](list []T, errs *[]error, check func(T) error) []T {
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
