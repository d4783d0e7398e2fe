package pdkserver

import (
	"errors"
	"net/http"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/router"
)

// maxFields is how many headers or arguments Kong reads unless told otherwise.
const maxFields = 100

func clientIP(s *Session) string      { return s.X.Conn.RemoteAddr }
func requestMethod(s *Session) string { return s.X.Method }
func path(s *Session) string          { return router.Normalize(router.WithoutQuery(s.X.RequestURI)) }
func pathWithQuery(s *Session) string { return s.X.RequestURI }

func query(s *Session, limit int) (proto.Message, error) { return toStruct(s.X.Query(limit)), nil }

// queryArg throws for an argument without a value: Kong cannot write its true
// as a string.
func queryArg(s *Session, name string) (proto.Message, error) {
	value := s.X.Query(maxFields)[name]
	if list, many := value.([]any); many {
		value = list[0]
	}
	switch value := value.(type) {
	case nil:
		return str(""), nil
	case string:
		return str(value), nil
	default:
		return nil, errors.New("bad argument: string expected, got boolean")
	}
}

func requestHeader(s *Session, name string) (proto.Message, error) {
	if s.Saved != nil {
		return str(exchange.FirstValue(s.Saved.RequestHeader, name)), nil
	}
	v, _ := s.X.RequestHeader(name)
	return str(v), nil
}

// requestHeaders does not look at its limit in a log event.
func requestHeaders(s *Session, arg []byte) (proto.Message, error) {
	if s.Saved != nil {
		return headers(s.Saved.RequestHeader, maxFields), nil
	}
	return limited("max_headers", func(s *Session, limit int) (proto.Message, error) {
		return headers(s.X.Header, limit), nil
	})(s, arg)
}

func headers(h http.Header, limit int) proto.Message {
	return toStruct(exchange.HeaderTable(h, limit))
}

func rawBody(s *Session) (proto.Message, error) {
	data, err := s.X.Body.Read()
	if err != nil {
		return nil, err
	}
	file, err := s.X.Body.Spool()
	if err != nil {
		return nil, err
	}
	if file != "" {
		return &kong.RawBodyResult{Kind: &kong.RawBodyResult_BodyFilepath{BodyFilepath: file}}, nil
	}
	return &kong.RawBodyResult{Kind: &kong.RawBodyResult_Content{Content: data}}, nil
}

func setRequestHeader(s *Session, name string, vals []string) { s.X.SetRequestHeader(name, vals...) }
func addRequestHeader(s *Session, name string, vals []string) { s.X.AddRequestHeader(name, vals...) }

func clearRequestHeader(s *Session, name string) (proto.Message, error) {
	s.X.ClearRequestHeader(name)
	return nil, nil
}
