package server

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	// It defines go-pdk's flags when the program starts, and is nothing but
	// that here: the main of a stock plugin may parse flags before it calls
	// StartServer.
	_ "github.com/Kong/go-pdk/server"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/inherit"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/instrument"
)

// env is what a command has of its process.
type env struct {
	flags          *flag.FlagSet
	program        string // the path of the executable
	args           []string
	stdout, stderr io.Writer
	exit           func(code int)
	onMain         bool // see [command.end]
	getenv         func(string) string
	ctx            context.Context // nil for one that ends with SIGTERM or SIGINT
}

func environment() env {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return env{flags: flag.CommandLine, program: program, args: os.Args[1:], stdout: os.Stdout, stderr: os.Stderr, exit: os.Exit, onMain: onMain(), getenv: os.Getenv}
}

// The flags that are no settings. The first three are go-pdk's.
const (
	flagPrefix   = "kong-prefix"
	flagDump     = "dump"
	flagHelp     = "help"
	flagInfo     = "info"
	flagFailOpen = "fail-open"
)

// command is a plugin server's command line.
type command struct {
	env
	plugins  []pluginserver.Plugin
	settings Settings
	info     string // the plugin to print the info of
	help     string // what -help says above the flags
	err      error  // of variables that do not parse
}

// variablePrefix begins the variables of a command's flags. It is not that of the
// gatehouse command: both may run in one container, with one environment.
const variablePrefix = "PLUGINSERVER_"

func newCommand(env env, plugins ...pluginserver.Plugin) *command {
	c := &command{env: env, plugins: plugins}
	for name, usage := range map[string]string{flagDump: "print info about plugins, and exit", flagHelp: "print usage, and exit"} {
		if c.flags.Lookup(name) == nil { // main has put another set in the place of flag.CommandLine
			c.flags.Bool(name, false, usage)
		}
	}
	c.err = c.settings.Bind(c.flags, variablePrefix, c.getenv)
	return c
}

// text adds a flag that has no variable, unless there is one of that name.
func (c *command) text(name string, value *string, usage string) {
	if c.flags.Lookup(name) == nil {
		c.flags.StringVar(value, name, *value, usage)
	}
}

func (c *command) bind(s setting) {
	c.err = errors.Join(c.err, s.bind(c.flags, variablePrefix, c.getenv))
}

// get and is read a flag.
func (c *command) get(name string) string {
	f := c.flags.Lookup(name)
	if f == nil {
		return ""
	}
	return f.Value.String()
}

func (c *command) is(name string) bool { return c.get(name) == strconv.FormatBool(true) }

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
	if c.asked() {
		os.Stdout = os.Stderr // what the plugin prints from here on would make the JSON something else
	}
	return c.err != nil, c.err
}

// asked reports whether it is a query: Kong's, for the info of a plugin.
func (c *command) asked() bool { return c.is(flagDump) || c.info != "" }

// run prints what was asked for, or else serves until the process is told to end.
func (c *command) run() error {
	var metrics instrument.Registry
	c.settings.Options.Logger = slog.New(slog.NewJSONHandler(c.stderr, nil))
	c.settings.Options.Meter = &metrics
	files, err := inherit.FromParent()
	if err != nil {
		return err
	}
	srv, err := c.settings.New(files, c.plugins...)
	if err != nil {
		return err
	}
	switch {
	case c.is(flagDump):
		return c.print(srv.Dump(c.settings.Socket))
	case c.info != "":
		return c.print(srv.Info(c.info))
	}
	ctx := c.ctx
	if ctx == nil {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
	}
	return c.settings.Serve(ctx, srv, files, &metrics)
}

func (c *command) print(info []byte, err error) error {
	if err != nil {
		return err
	}
	_, err = c.stdout.Write(info)
	return err
}
