package pdkserver

import (
	"errors"
	"fmt"
	"net/http"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/uri"
)

// maxFields is how many headers or arguments Kong reads unless told otherwise.
const maxFields = 100

func scheme(*Session) string          { return "http" }
func host(s *Session) string          { return s.X.Host }
func requestMethod(s *Session) string { return s.X.Method }
func path(s *Session) string          { return uri.Normalize(uri.WithoutQuery(s.X.RequestURI)) }
func pathWithQuery(s *Session) string { return s.X.RequestURI }
func rawQuery(s *Session) string      { return s.X.Args }

func port(s *Session) (proto.Message, error) { return integer(s.X.Conn.ServerPort), nil }

func httpVersion(s *Session) (proto.Message, error) { return number(s.X.HTTPVersion), nil }

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

func uriCaptures(s *Session) (proto.Message, error) {
	captures := &kong.UriCapturesResult{}
	if s.X.Match == nil {
		return captures, nil
	}
	for _, c := range s.X.Match.Unnamed {
		captures.Unnamed = append(captures.Unnamed, []byte(c))
	}
	for name, c := range s.X.Match.Named {
		if captures.Named == nil {
			captures.Named = map[string][]byte{}
		}
		captures.Named[name] = []byte(c)
	}
	return captures, nil
}

func setRequestHeader(s *Session, name string, vals []string) { s.X.SetRequestHeader(name, vals...) }
func addRequestHeader(s *Session, name string, vals []string) { s.X.AddRequestHeader(name, vals...) }

func clearRequestHeader(s *Session, name string) (proto.Message, error) {
	s.X.ClearRequestHeader(name)
	return nil, nil
}

func setScheme(s *Session, scheme string) (proto.Message, error) {
	if scheme != "http" && scheme != "https" {
		return nil, fmt.Errorf("invalid scheme: %s", scheme)
	}
	s.X.UpstreamScheme = scheme
	return nil, nil
}

func setPath(s *Session, path string) (proto.Message, error) {
	if path == "" || path[0] != '/' {
		return nil, errors.New("path must start with /")
	}
	s.X.UpstreamURI = uri.Escape(path)
	return nil, nil
}

func setRawQuery(s *Session, query string) (proto.Message, error) {
	s.X.Args = query
	return nil, nil
}

func setQuery(s *Session, args *structpb.Struct) (proto.Message, error) {
	s.X.Args = exchange.EncodeArgs(fromStruct(args))
	return nil, nil
}

func setMethod(s *Session, method string) (proto.Message, error) {
	switch method {
	case "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "MKCOL", "COPY", "MOVE", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "PATCH", "TRACE":
		s.X.Method = method
		return nil, nil
	default:
		return nil, fmt.Errorf("invalid method: %s", method)
	}
}

func setRawBody(s *Session, body *kong.ByteString) (proto.Message, error) {
	s.X.Body.Replace(body.GetV())
	return nil, nil
}
