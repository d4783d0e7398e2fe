package main

import (
	"context"
	"fmt"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// info is the query command, which Kong runs once for each plugin when it starts.
func info(_ context.Context, s streams, args []string) error {
	p, err := offlinePlugins()
	if err != nil {
		return err
	}
	server, err := pluginserver.New(pluginserver.Options{Strict: true}, p.list()...)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return fmt.Errorf("%w: gatehouse info PLUGIN, one of %v", errUsage, server.Names())
	}
	dump, err := server.Info(args[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s\n", dump)
	return err
}
