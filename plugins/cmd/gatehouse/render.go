package main

import (
	"context"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// render prints a config with its overlays, as Kong gets it but for secrets.
func render(_ context.Context, s streams, args []string) error {
	flags := newFlags(s, "render")
	var l layers
	l.addFlags(flags)
	shown := flags.Bool("secrets", false, "print secrets too, and the base's comments; without it they are left out")
	if handled, err := parse(flags, args); handled {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	checker, err := newChecker(configcheck.Options{})
	if err != nil {
		return err
	}
	secrets := checker.Secrets()
	merged, err := l.merge(secrets)
	if err != nil {
		return err
	}
	text := merged.Text
	if !*shown {
		if text, err = secrets.Hide(merged); err != nil {
			return err
		}
	}
	_, err = s.out.Write(text)
	return err
}
