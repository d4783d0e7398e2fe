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

// versions are those of a config with its overlays, on these routes or on all, and those
// that cannot be read. It is an error where none can.
func versions(l *layers, routes []string) ([]endings.Version, []endings.Unread, error) {
	checker, err := newChecker(configcheck.Options{})
	if err != nil {
		return nil, nil, err
	}
	document, err := l.layer(checker.Secrets())
	if err != nil {
		return nil, nil, err
	}
	list, unread, err := endings.Versions(document)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %w", l.config, err)
	case len(list) == 0 && len(unread) > 0:
		return nil, nil, fmt.Errorf("%s: %w", l.config, unread[0])
	case len(list) == 0:
		return nil, nil, fmt.Errorf("%s: no route has sunset-headers, or the section sunset_headers: no version ends", l.config)
	}
	list, err = endings.Only(list, unread, routes)
	return list, unread, err
}

// warnUnread names the versions that are left out.
func warnUnread(s streams, unread []endings.Unread) {
	for _, u := range unread {
		fmt.Fprintf(s.err, "gatehouse: warning: left out: %v\n", u)
	}
}

func sunsetCalendarCommand(s streams) *cobra.Command {
	var l layers
	c := command("calendar [ROUTE...]", "print an iCalendar of deprecations, brownouts and ends, for those who call", func(_ context.Context, routes []string) error {
		list, unread, err := versions(&l, routes)
		if err != nil {
			return err
		}
		warnUnread(s, unread)
		return endings.Calendar(s.out, list, time.Now())
	})
	c.Example = `  gatehouse sunset calendar --config kong.yaml >api-versions.ics`
	l.addFlags(c.Flags())
	return c
}
