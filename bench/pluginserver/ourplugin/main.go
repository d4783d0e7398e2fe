// Command ourplugin serves the plugin with Gatehouse's plugin server.
package main

import (
	"os"

	"github.com/gatehousehq/gatehouse/bench/pluginserver/sixcalls"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
)

func main() {
	if err := server.StartServer(sixcalls.New, sixcalls.Version, sixcalls.Priority); err != nil {
		os.Exit(1)
	}
}
