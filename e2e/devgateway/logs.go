package devgateway

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// logs are the proxy's two logs.
type logs struct {
	access     nginxlog.Sink
	format     *nginxlog.Format
	errors     *nginxlog.ErrorLog
	errorsSink nginxlog.Sink
}

func openLogs(opts Options) (logs, error) {
	setting := func(name, fallback string) string {
		if v, ok := opts.Env(name); ok && v != "" {
			return v
		}
		return fallback
	}
	level, err := nginxlog.ParseSeverity(setting("KONG_LOG_LEVEL", "notice"))
	if err != nil {
		return logs{}, fmt.Errorf("KONG_LOG_LEVEL: %w", err)
	}
	access, err := nginxlog.Open(opts.AccessLog)
	if err != nil {
		return logs{}, err
	}
	definitions, err := includedFormats(setting("KONG_NGINX_HTTP_INCLUDE", ""))
	if err != nil {
		return logs{}, errors.Join(err, access.Sink.Close())
	}
	definitions = append(definitions, setting("KONG_NGINX_HTTP_LOG_FORMAT", ""))
	format, err := nginxlog.FindFormat(access.Format, definitions...)
	if err != nil {
		return logs{}, errors.Join(fmt.Errorf("access log: %w", err), access.Sink.Close())
	}
	errs, err := nginxlog.Open(opts.ErrorLog)
	if err != nil {
		return logs{}, errors.Join(err, access.Sink.Close())
	}
	return logs{
		access: access.Sink, format: format,
		errors: nginxlog.NewErrorLog(errs.Sink, level), errorsSink: errs.Sink,
	}, nil
}

// includedFormats are the log_format directives in the files of a pattern. Of what
// else nginx would read there, the dev gateway knows nothing.
func includedFormats(pattern string) (definitions []string, err error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("KONG_NGINX_HTTP_INCLUDE: %w", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("KONG_NGINX_HTTP_INCLUDE: %w", err)
		}
		definitions = append(definitions, nginxlog.Definitions(string(text))...)
	}
	return definitions, nil
}

func (l logs) close() error { return errors.Join(l.access.Close(), l.errorsSink.Close()) }

// serverLog takes what net/http has to say.
func (l logs) serverLog() *log.Logger { return log.New(serverLog{l.errors}, "", 0) }

type serverLog struct{ errors *nginxlog.ErrorLog }

func (w serverLog) Write(p []byte) (int, error) {
	w.errors.Log(nginxlog.Err, strings.TrimSpace(string(p)), nginxlog.Context{})
	return len(p), nil
}

// requestContext is what nginx adds to an error line about a request.
func requestContext(x *exchange.Exchange) nginxlog.Context {
	host, _ := x.RequestHeader("Host")
	referrer, _ := x.RequestHeader("Referer")
	return nginxlog.Context{
		Connection: x.Conn.Number,
		Client:     x.Conn.RemoteAddr,
		Server:     "kong",
		Request:    x.RequestLine,
		Host:       host,
		Referrer:   referrer,
		RequestID:  x.ID,
	}
}

// timerContext is what is left of it in a log event.
func timerContext(x *exchange.Exchange) nginxlog.Context {
	return nginxlog.Context{
		Connection: x.Conn.Number,
		Timer:      true,
		Client:     x.Conn.RemoteAddr,
		Server:     net.JoinHostPort(x.Conn.ServerAddr, strconv.Itoa(x.Conn.ServerPort)),
	}
}
