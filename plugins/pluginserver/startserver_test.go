package pluginserver_test

import (
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
)

func init() { pluginserver.StartServer = server.StartServer }
