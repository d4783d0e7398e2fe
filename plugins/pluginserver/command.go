package pluginserver

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	// It defines go-pdk's flags when the program starts, and is nothing but
	// that here: the main of a stock plugin may parse flags before it calls
	// StartServer.
	_ "github.com/Kong/go-pdk/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// defaultPrefix is Kong's, and the default of go-pdk's -kong-prefix.
const defaultPrefix = "/usr/local/kong"

// defaultSocket is where Run listens.
const defaultSocket = "/tmp/plugins.socket"

// StartServer is the StartServer of go-pdk's package server: it serves the one
// plugin that constructor makes configurations of, under the name of the
// executable, on PREFIX/NAME.socket. It parses the command line:
//
//	-kong-prefix DIR  where the socket is, default /usr/local/kong
//	-dump             print what pluginserver_NAME_query_cmd must, and return
//	-help             print the flags, and exit with 2
//
// and has further flags, see [Run], and -fail-open. Flags of the program's own stay as
// they are. A main that parses flags itself, before it calls StartServer, knows
// go-pdk's three and its own; each of ours has a variable, too.
//
// Kong loads no plugin that says no version: one that is empty, such as one
// that the linker should have set, is 0.0.0.
//
// Handlers have no deadline of ours, unless -deadline says one. A request whose handler
// panics is answered with 503, as it was with 500 when the panic ended the
// process. -fail-open lets it pass.
//
// It returns nil when the process gets SIGTERM or SIGINT, after running events
// have ended, and [ErrReplace] when the process should be started again. A
// socket on which another process listens is taken over, so that a restart of
// Kong does not fail on the process of before.
func StartServer(constructor func() any, version string, priority int) error {
	return said(os.Stderr, startServer(environment(), constructor, version, priority))
}

// said writes an error where Kong logs it: a stock plugin's main ignores what
// StartServer returns.
func said(w io.Writer, err error) error {
	if err != nil {
		slog.New(slog.NewJSONHandler(w, nil)).Error("plugin server ended", "error", err)
	}
	return err
}

func startServer(env env, constructor func() any, version string, priority int) error {
	name := filepath.Base(env.program)
	c := newCommand(env, []Plugin{{Name: name, Version: cmp.Or(version, "0.0.0"), Priority: priority, New: constructor}})
	c.help = helpOne(c.plugins[0], env.program)
	c.text(flagPrefix, defaultPrefix, "Kong's prefix, which has the socket")
	c.yes(flagFailOpen, "let requests pass whose handler panicked or was cut off; otherwise they are answered with 503")
	if done, err := c.parse(); done || err != nil {
		return err
	}
	c.plugins[0].FailOpen = c.is(flagFailOpen)
	return c.run(filepath.Join(c.get(flagPrefix), name+".socket"))
}

// Run serves many plugins in one process, on one socket. It parses the command
// line:
//
//	-socket PATH      where to listen, default /tmp/plugins.socket
//	-info NAME        print what pluginserver_NAME_query_cmd must, and return
//	-dump             print the same of all plugins, and return
//	-deadline LIST    how long handlers may take: a duration such as 200ms for
//	                  all plugins, PLUGIN=DURATION, or PLUGIN.PHASE=DURATION,
//	                  separated by commas; default for ever. Log handlers have none
//	                  unless the phase is named
//	-max-frame SIZE   and -max-abandoned, -max-connections, -max-events,
//	                  -max-goroutines, -max-memory: see [Options]
//	-http ADDRESS     serve /metrics, /healthz and /readyz there; default none
//	-profiling        serve /debug/pprof/ there as well
//	-help             print the flags, and exit with 2
//
// Each of them, but those that print, has a variable of the environment, such as
// PLUGINSERVER_MAX_FRAME, PLUGINSERVER_HTTP, and PLUGINSERVER_DEADLINES. What does not
// parse is an error. A socket that a parent process hands over by GATEHOUSE_LISTEN_FD is used in
// place of PATH. It returns as [StartServer] does.
func Run(plugins ...Plugin) error { return said(os.Stderr, runAll(environment(), plugins)) }

func runAll(env env, plugins []Plugin) error {
	c := newCommand(env, plugins)
	c.help = helpMany(plugins, env.program)
	c.text(flagSocket, defaultSocket, "unix socket to listen on")
	c.text(flagInfo, "", "print what the query command of this plugin must print, and exit")
	if done, err := c.parse(); done || err != nil {
		return err
	}
	return c.run(c.get(flagSocket))
}

// env is what a command has of its process.
type env struct {
	flags          *flag.FlagSet
	program        string // the path of the executable
	args           []string
	stdout, stderr io.Writer
	exit           func(code int)
	getenv         func(string) string
	ctx            context.Context // nil for one that ends with SIGTERM or SIGINT
}

func environment() env {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return env{flags: flag.CommandLine, program: program, args: os.Args[1:], stdout: os.Stdout, stderr: os.Stderr, exit: os.Exit, getenv: os.Getenv}
}

// The flags. The first three are go-pdk's.
const (
	flagPrefix    = "kong-prefix"
	flagDump      = "dump"
	flagHelp      = "help"
	flagFailOpen  = "fail-open"
	flagSocket    = "socket"
	flagInfo      = "info"
	flagHTTP      = "http"
	flagProfiling = "profiling"
)

// command is a plugin server's command line.
type command struct {
	env
	plugins []Plugin
	help    string            // what -help says above the flags
	theirs  map[string]string // flags that the program has for itself, and our defaults
	options Options
	err     error // of variables that do not parse
}

// variablePrefix begins the variables of a command's flags. It is not that of the
// gatehouse command: both may run in one container, with one environment.
const variablePrefix = "PLUGINSERVER_"

func newCommand(env env, plugins []Plugin) *command {
	c := &command{env: env, plugins: plugins, theirs: map[string]string{}}
	c.yes(flagDump, "print info about plugins, and exit")
	c.yes(flagHelp, "print usage, and exit")
	c.err = c.options.BindFlags(c.flags, variablePrefix, c.getenv)
	c.text(flagHTTP, "", "address of /metrics, /healthz and /readyz, such as 127.0.0.1:9542 (default none)")
	c.yes(flagProfiling, "serve /debug/pprof/ at the address of -http")
	return c
}

// text and yes add a flag, unless the program has one of that name for itself. Where
// there is a variable for it, that is the default.
func (c *command) text(name, value, usage string) {
	if own := c.getenv(variableOf(name)); own != "" && settable[name] {
		value = own
	}
	if !c.taken(name, value) {
		c.flags.String(name, value, usage+c.orVariable(name))
	}
}

func (c *command) yes(name, usage string) {
	value := false
	if own := c.getenv(variableOf(name)); own != "" && settable[name] {
		var err error
		if value, err = strconv.ParseBool(own); err != nil {
			c.err = errors.Join(c.err, fmt.Errorf("%s=%q: write true or false", variableOf(name), own))
		}
	}
	if !c.taken(name, strconv.FormatBool(value)) {
		c.flags.Bool(name, value, usage+c.orVariable(name))
	}
}

// settable are the flags that have a variable: what a process is, not what it prints.
var settable = map[string]bool{flagFailOpen: true, flagSocket: true, flagHTTP: true, flagProfiling: true}

// variableOf is the variable of a flag.
func variableOf(name string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func (c *command) orVariable(name string) string {
	if !settable[name] {
		return ""
	}
	return " (" + variableOf(name) + ")"
}

// taken reports whether a flag is there already. Those of go-pdk are, and mean
// the same, unless main has put another set in the place of flag.CommandLine.
func (c *command) taken(name, value string) bool {
	if c.flags.Lookup(name) == nil {
		return false
	}
	if !slices.Contains([]string{flagPrefix, flagDump, flagHelp}, name) {
		c.theirs[name] = value
	}
	return true
}

// get and is read a flag.
func (c *command) get(name string) string {
	if value, ok := c.theirs[name]; ok {
		return value
	}
	f := c.flags.Lookup(name)
	if f == nil {
		return ""
	}
	return f.Value.String()
}

func (c *command) is(name string) bool { return c.get(name) == "true" }

// parse parses the command line. done says that there is nothing else to do.
func (c *command) parse() (done bool, err error) {
	if err := c.flags.Parse(c.args); err != nil {
		return true, err
	}
	if c.is(flagHelp) {
		c.printHelp()
		c.exit(2)
		return true, nil
	}
	if c.err != nil {
		return true, c.err
	}
	if c.is(flagDump) || c.get(flagInfo) != "" {
		os.Stdout = os.Stderr // what the plugin prints from here on would make the JSON something else
	}
	return false, nil
}

// printHelp prints how Kong is told of the program, and the flags.
func (c *command) printHelp() {
	_, _ = fmt.Fprintln(c.flags.Output(), c.help)
	c.flags.Usage()
}

// helpOne is what -help of [StartServer] says above the flags.
func helpOne(p Plugin, program string) string {
	return fmt.Sprintf(`%[1]s %[2]s serves the plugin %[1]q to Kong, on PREFIX/%[1]s.socket.

kong.conf:
  plugins = bundled,%[1]s
  pluginserver_names = %[1]s
  pluginserver_%[3]s_socket = PREFIX/%[1]s.socket
  pluginserver_%[3]s_query_cmd = %[4]s -dump
  pluginserver_%[3]s_start_cmd = %[4]s

Without the last line Kong does not start it: somebody else must.
`, p.Name, p.Version, inConf(p.Name), program)
}

// helpMany is what -help of [Run] says above the flags.
func helpMany(plugins []Plugin, program string) string {
	var names, lines strings.Builder
	for _, p := range plugins {
		fmt.Fprintf(&names, ",%s", p.Name)
		fmt.Fprintf(&lines, "  pluginserver_%s_socket = PATH\n", inConf(p.Name))
		fmt.Fprintf(&lines, "  pluginserver_%s_query_cmd = %s -info %s\n", inConf(p.Name), program, p.Name)
	}
	return fmt.Sprintf(`%[1]s serves %[2]d plugins to Kong, on one socket, PATH.

kong.conf:
  plugins = bundled%[3]s
  pluginserver_names = %[4]s
%[5]s
Kong does not start it: somebody else must. -kong-prefix is not for it.
`, program, len(plugins), names.String(), strings.TrimPrefix(names.String(), ","), lines.String())
}

// inConf is a plugin's name as a part of a name in kong.conf.
func inConf(name string) string { return strings.ReplaceAll(name, "-", "_") }

// run prints what was asked for, or else serves.
func (c *command) run(socket string) error {
	registry := prometheus.NewRegistry()
	opts := c.options
	opts.Logger, opts.Registerer, opts.Profiling = slog.New(slog.NewJSONHandler(c.stderr, nil)), registry, c.is(flagProfiling)
	srv, err := New(opts, c.plugins...)
	if err != nil {
		return err
	}
	switch {
	case c.is(flagDump):
		return c.print(srv.dump(socket, srv.names...))
	case c.get(flagInfo) != "":
		return c.print(srv.Info(c.get(flagInfo)))
	}
	return c.serve(srv, registry, socket)
}

func (c *command) print(info []byte, err error) error {
	if err != nil {
		return err
	}
	_, err = c.stdout.Write(info)
	return err
}

// serve serves until the process is told to end.
func (c *command) serve(srv *Server, registry *prometheus.Registry, socket string) error {
	ctx := c.ctx
	if ctx == nil {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
	}
	stopHTTP, err := serveHTTP(c.get(flagHTTP), srv, registry)
	if err != nil {
		return err
	}
	defer stopHTTP()
	ln, err := Inherited()
	if err == nil && ln == nil {
		ln, err = TakeOver(socket)
	}
	if err != nil {
		return err
	}
	srv.opts.Logger.Info("serving", "socket", ln.Addr().String(), "plugins", srv.Names(), "http", c.get(flagHTTP))
	return srv.Serve(ctx, ln)
}

// serveHTTP serves metrics and health, if there is an address.
func serveHTTP(addr string, srv *Server, registry *prometheus.Registry) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("/", srv.Handler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics and health: %w; set -http to a free address", err)
	}
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(srv.opts.Logger.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			srv.opts.Logger.Error("metrics and health are not served", "error", err)
		}
	}()
	return func() { _ = s.Close() }, nil
}
