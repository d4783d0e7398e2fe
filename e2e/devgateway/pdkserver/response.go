package pdkserver

import (
	"fmt"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/pluginclient"
)

// The getters of the response are of use in a log event only: before that,
// Kong's phase check refuses them.

func responseStatus(s *Session) (proto.Message, error) { return integer(s.Saved.Status), nil }

func responseHeader(s *Session, name string) (proto.Message, error) {
	return str(exchange.FirstValue(s.Saved.ResponseHeader, name)), nil
}

func responseHeaders(s *Session) (proto.Message, error) {
	return headers(s.Saved.ResponseHeader, maxFields), nil
}

func responseSource(s *Session) string { return s.X.Source() }

func setStatus(s *Session, status *kong.Int) (proto.Message, error) {
	if err := checkStatus(int(status.GetV())); err != nil {
		return nil, err
	}
	s.X.Status = int(status.GetV())
	return nil, nil
}

func checkStatus(status int) error {
	if status < 100 || status > 599 {
		return fmt.Errorf("code must be a number between %d and %d", 100, 599)
	}
	return nil
}

func setResponseHeader(s *Session, name string, vals []string) { s.X.SetResponseHeader(name, vals...) }
func addResponseHeader(s *Session, name string, vals []string) { s.X.AddResponseHeader(name, vals...) }

func clearResponseHeader(s *Session, name string) (proto.Message, error) {
	s.X.ClearResponseHeader(name)
	return nil, nil
}

// exit answers the request. It does not come back to the plugin.
func exit(s *Session, args *kong.ExitArgs) (proto.Message, error) {
	if err := checkStatus(int(args.GetStatus())); err != nil {
		return nil, err
	}
	header, err := headerTable(fromStruct(args.GetHeaders()))
	if err != nil {
		return nil, err
	}
	s.X.Exit(int(args.GetStatus()), args.GetBody(), header)
	return nil, pluginclient.ErrExit
}
