// Command stockplugin serves the plugin with go-pdk's own server.
package main

import (
	"os"

	"github.com/Kong/go-pdk/server"

	"github.com/gatehousehq/gatehouse/bench/pluginserver/sixcalls"
)

func main() {
	if err := server.StartServer(sixcalls.New, sixcalls.Version, sixcalls.Priority); err != nil {
		os.Exit(1)
	}
}
