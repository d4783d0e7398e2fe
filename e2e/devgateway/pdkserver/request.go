package pdkserver

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
)

func path(s *Session) string { return router.Normalize(router.WithoutQuery(s.X.RequestURI)) }

// requestHeaders are in Kong those of a copy in a log event.
func requestHeaders(s *Session, limit int) (proto.Message, error) {
	if s.Saved != nil {
		return nil, errors.New("the dev gateway does not support it in the log phase; `make up` runs Kong")
	}
	return encoded(appendTable(nil, exchange.HeaderTable(s.X.Header, limit))), nil
}

func setRequestHeader(s *Session, name string, vals []string) { s.X.SetRequestHeader(name, vals...) }
