// Package server is the main of a plugin server. [StartServer] takes the place of that of
// go-pdk's package server: a stock plugin changes its import line, and nothing else.
// [Run] serves many plugins in one process. Programs that have more to say use
// [Settings], as both do.
//
//	import "github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
//
//	func main() { server.StartServer(New, Version, Priority) }
//
// # Flags and variables
//
//	-socket PATH      PLUGINSERVER_SOCKET     where Kong connects
//	-http ADDRESS     PLUGINSERVER_HTTP       serve /metrics, /healthz and /readyz there; default none
//	-profiling        PLUGINSERVER_PROFILING  serve /debug/pprof/ there as well
//	-instances DIR    PLUGINSERVER_INSTANCES  keep started configurations there for the next process
//	-deadline LIST    PLUGINSERVER_DEADLINES  how long handlers may take: a duration such as
//	                  200ms for all plugins, PLUGIN=DURATION, or PLUGIN.PHASE=DURATION, separated
//	                  by commas; default for ever. Log handlers have none unless the phase is named
//	-max-frame SIZE   PLUGINSERVER_MAX_FRAME  and -max-abandoned, -max-connections, -max-events,
//	                  -max-goroutines, -max-memory: the bounds of [pluginserver.Options]
//	-fail-open        PLUGINSERVER_FAIL_OPEN  of StartServer: let requests pass whose handler failed
//	-kong-prefix DIR  of StartServer: the directory of the socket, default /usr/local/kong
//	-info NAME        of Run: print what pluginserver_NAME_query_cmd must, and return
//	-dump             print the same of all plugins, and return
//	-help             print the flags, and exit with 2
//
// A flag has precedence over its variable. What does not parse is an error that says
// what to write.
//
// A listening socket that a parent process passes on by LISTEN_FDS, as systemd does, is
// used in place of the path, see package inherit.
//
// # Stopping
//
// Kong sends SIGTERM to the servers that it started. On SIGTERM and SIGINT the socket
// goes, events under way have ten seconds to end, configurations are closed, and
// [StartServer] and [Run] return nil. More of the same signals change nothing. Any other
// signal does what it does to any Go program: SIGQUIT ends it at once with the stacks of
// all goroutines and code 2, SIGHUP at once.
//
// A main that called them then does what is left to do, has all the time that its parent
// gives it, and returns: code 0. An error comes back likewise, and is in the log; a main
// that ignores it ends with 0.
//
// A program that calls them in another goroutine than main's ends a second after they
// have returned, by code 0, or 1 for an error, whatever main waits for: a plugin without
// a server is of use to nobody, and Kong starts it again once it has ended. A main that
// heeds the signal itself ends the program when it returns, events under way included: have it
// wait for them to return. A program that is to live on has [Settings.Serve].
//
// As go-pdk does, this package defines go-pdk's flags (kong-prefix, dump, help) when the
// program starts: a program must not define a flag of such a name itself, in
// flag.CommandLine. Any other flag of the program's own stays as it is, and ours of that
// name has its variable only.
package server

import (
	"cmp"
	"path/filepath"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// defaultPrefix is Kong's, and the default of go-pdk's -kong-prefix.
const defaultPrefix = "/usr/local/kong"

// defaultSocket is where Run listens.
const defaultSocket = "/tmp/plugins.socket"

// StartServer is the StartServer of go-pdk's package server: it serves the one
// plugin that constructor makes configurations of, under the name of the
// executable, on PREFIX/NAME.socket unless -socket says otherwise.
//
// Kong loads no plugin that says no version: one that is empty, such as one
// that the linker should have set, is 0.0.0.
//
// Handlers have no deadline of ours, unless -deadline says one. A request whose handler
// panics is answered with 503, as it was with 500 when the panic ended the
// process. -fail-open lets it pass.
//
// It returns nil when the process gets SIGTERM or SIGINT, after running events have
// ended, and [pluginserver.ErrReplace] when the process should be started again; see
// Stopping above. With -dump it returns nil, or ends the process with code 1 where there
// is nothing to dump. A socket on which another process listens is taken over, so that a
// restart of Kong does not fail on the process from before it.
func StartServer(constructor func() any, version string, priority int) error {
	return startServer(environment(), constructor, version, priority)
}

func startServer(env env, constructor func() any, version string, priority int) error {
	name := filepath.Base(env.program)
	c := newCommand(env, pluginserver.Plugin{Name: name, Version: cmp.Or(version, "0.0.0"), Priority: priority, New: constructor})
	c.help = helpOne(c.plugins[0], env.program)
	c.settings.Version = c.plugins[0].Version
	prefix := defaultPrefix
	c.text(flagPrefix, &prefix, "Kong's prefix, which has the socket")
	c.bind(setting{flagFailOpen, "FAIL_OPEN", "let requests pass whose handler panicked or was cut off; otherwise they are answered with 503", (*boolValue)(&c.plugins[0].FailOpen)})
	if done, err := c.parse(); done {
		return c.end(err)
	}
	c.settings.Socket = cmp.Or(c.settings.Socket, filepath.Join(c.get(flagPrefix), name+".socket"))
	return c.end(c.run())
}

// Run serves many plugins in one process, on one socket, /tmp/plugins.socket unless
// -socket says otherwise. It returns as [StartServer] does.
func Run(plugins ...pluginserver.Plugin) error {
	return runAll(environment(), plugins)
}

func runAll(env env, plugins []pluginserver.Plugin) error {
	c := newCommand(env, plugins...)
	c.help = helpMany(plugins, env.program)
	c.text(flagInfo, &c.info, "print what the query command of this plugin must print, and exit")
	if done, err := c.parse(); done {
		return c.end(err)
	}
	c.settings.Socket = cmp.Or(c.settings.Socket, defaultSocket)
	return c.end(c.run())
}
