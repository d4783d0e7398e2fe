// Command my-plugin is a plugin for Kong. Kong knows it by the name of its executable.
package main

import (
	"os"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
)

const (
	version  = "0.1.0"
	priority = 900 // after Kong's authentication (950 and more), before most that change requests
)

func main() {
	if err := server.StartServer(New, version, priority); err != nil {
		os.Exit(1) // the error is in the log
	}
}
