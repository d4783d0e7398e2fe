package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/endings"
)

// sunsetCommand is about API versions that are going to end.
func sunsetCommand(s streams) *cobra.Command {
	return cli.Group("sunset", "say who still calls API versions that are going to end, and when they end",
		sunsetReportCommand(s), sunsetCalendarCommand(s), sunsetForgetCommand(s))
}

// versions are those of a config with its overlays, on these routes or on all.
func versions(l *layers, routes []string) ([]endings.Version, error) {
	checker, err := newChecker(configcheck.Options{})
	if err != nil {
		return nil, err
	}
	document, err := l.layer(checker.Secrets())
	if err != nil {
		return nil, err
	}
	list, err := endings.Versions(document)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", l.config, err)
	case len(list) == 0:
		return nil, fmt.Errorf("%s: no route has sunset-headers, or the section sunset_headers: no version ends", l.config)
	}
	return endings.Only(list, routes)
}

func sunsetCalendarCommand(s streams) *cobra.Command {
	var l layers
	c := command("calendar [ROUTE...]", "print an iCalendar of deprecations, brownouts and ends, for those who call", func(_ context.Context, routes []string) error {
		list, err := versions(&l, routes)
		if err != nil {
			return err
		}
		return endings.Calendar(s.out, list, time.Now())
	})
	c.Example = `  gatehouse sunset calendar --config kong.yaml >api-versions.ics`
	l.addFlags(c.Flags())
	return c
}
