package devgateway

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"
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
	access, name, err := nginxlog.Open(opts.AccessLog)
	if err != nil {
		return logs{}, fmt.Errorf("KONG_PROXY_ACCESS_LOG: %w", err)
	}
	format, err := readFormat(name, opts.NginxInclude)
	if err != nil {
		return logs{}, fmt.Errorf("KONG_PROXY_ACCESS_LOG: %w", err)
	}
	errs, _, err := nginxlog.Open(opts.ErrorLog)
	if err != nil {
		return logs{}, fmt.Errorf("KONG_PROXY_ERROR_LOG: %w", err)
	}
	return logs{access: access, format: format, errors: nginxlog.NewErrorLog(errs), errorsSink: errs}, nil
}

// readFormat finds the access log's format in the file that nginx would include. Of
// what else stands there, the dev gateway knows nothing.
func readFormat(name, include string) (*nginxlog.Format, error) {
	if name == "" {
		return &nginxlog.Format{}, nil // the log is off
	}
	text, err := os.ReadFile(include)
	if err != nil {
		return nil, fmt.Errorf("read log format %q from KONG_NGINX_HTTP_INCLUDE: %w", name, err)
	}
	format, err := nginxlog.FindFormat(name, string(text))
	if err != nil {
		return nil, err
	}
	for _, variable := range format.Variables() {
		if err := exchange.CheckVar(variable); err != nil {
			return nil, fmt.Errorf("log format %q: %w", name, err)
		}
	}
	return format, nil
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
