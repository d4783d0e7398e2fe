package pdkserver

import (
	"fmt"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

func setResponseHeader(s *Session, name string, vals []string) { s.X.SetResponseHeader(name, vals...) }

// exit answers the request. It does not come back to the plugin.
func exit(s *Session, args *kong.ExitArgs) (proto.Message, error) {
	status := int(args.GetStatus())
	if status < 100 || status > 599 {
		return nil, fmt.Errorf("code must be a number between %d and %d", 100, 599)
	}
	header, err := headerTable(fromStruct(args.GetHeaders()))
	if err != nil {
		return nil, err
	}
	s.X.Exit(status, args.GetBody(), header)
	return nil, kongtest.ErrExit
}
