package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

func renderCommand(s streams) *cobra.Command {
	var l layers
	var shown bool
	c := plain("render", "print a kong.yaml with its overlays, and without secrets", func(context.Context) error { return render(s, &l, shown) })
	l.addFlags(c.Flags())
	c.Flags().BoolVar(&shown, "secrets", false, "print secrets too, and the base's comments; without it they are left out")
	return c
}

// render prints a config with its overlays, as Kong gets it but for secrets, unless they are
// to be shown.
func render(s streams, l *layers, shown bool) error {
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
	if !shown {
		if text, err = secrets.Hide(merged); err != nil {
			return err
		}
	}
	_, err = s.out.Write(text)
	return err
}
