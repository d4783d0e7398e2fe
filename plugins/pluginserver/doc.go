// Package pluginserver serves any number of go-pdk plugins from one process on
// one unix socket, over the ProtoBuf:1 protocol of Kong's plugin servers
// (kong/runloop/plugin_servers, Kong 3.9).
//
// A plugin is what it is for go-pdk's own server: a struct whose exported
// fields are its configuration, with a method for each phase:
//
//	type Config struct {
//		Message string `json:"message" kong:"default=hi" desc:"What to say to the client."`
//	}
//
//	func (c *Config) Access(kong *pdk.PDK) { kong.Response.SetHeader("X-Hello", c.Message) }
//
// A string with the tags `json:"route_id" kong:"scope"`, or service_id or consumer_id,
// is no part of the schema: Kong sets it where the configuration is of one of these.
//
// [Info] lists the tags, and [Plugin] the methods that a configuration may have besides.
// The main is go-pdk's, under another import line: see package server, which has flags,
// variables, health and metrics, and serves one plugin or many.
//
//	import "github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
//
//	func main() { server.StartServer(New, Version, Priority) }
//
// The folder template is a plugin to copy, with its test, Dockerfile and Kong's settings.
//
// # A server in a program of your own
//
//	srv, err := pluginserver.New(pluginserver.Options{}, pluginserver.Plugin{
//		Name: "hello", Version: "1.0.0", Priority: 10, New: func() any { return &Config{} },
//	})
//	ln, err := listen.Unix("/run/gatehouse/plugins.sock")
//	err = srv.Serve(ctx, ln)
//
// Kong is told of each plugin by name, with the same socket for all of them:
//
//	pluginserver_names = hello,other
//	pluginserver_hello_socket = /run/gatehouse/plugins.sock
//	pluginserver_hello_query_cmd = /opt/gatehouse info hello
//
// where the query command prints [Info].
//
// What a process needs around it has packages of its own: listen makes sockets in the
// place of stale ones, inherit passes open ones from a parent to its children, instrument
// has metrics, and kongtest plays Kong in tests.
//
// # What differs from go-pdk's server
//
//   - The schema has everything that Kong can check from JSON, see [Info].
//   - A configuration may have Provision() error, called once after it is
//     decoded, and Close() error, called when its last instance is closed and
//     no event uses it. Instances are shared by content: workers that start the
//     same configuration get the same one.
//   - A configuration that Kong accepted and that cannot run as it is written is
//     degraded, and not answered with a 500. If it has Degrade(err error) it is told
//     why, and its handlers run on and do what still can be done; else its events go
//     the plugin's declared way. /readyz, a metric and the log say so.
//   - A handler may have a context: AccessContext(ctx context.Context, kong *pdk.PDK)
//     is called in place of Access(kong *pdk.PDK), and so for the other phases. The
//     context ends at the handler's deadline, and when the event is over. [InTrace] tells
//     the server, by that context, in which trace the request is.
//   - There is no deadline unless somebody asks for one: an operator by flag or
//     variable (Options.Deadlines), the configuration by Deadline() time.Duration, or
//     the plugin (Plugin.Deadline, Plugin.LogDeadline).
//   - A configuration may declare what its handlers read in a phase, and they then get
//     it in one round trip: Prefetch(phase string) [][2]string, called once after
//     Provision, returns PDK methods, each with its one argument or "". What is
//     declared must not change from the event's start until it is read.
//   - A panic or runtime.Goexit ends one event, not the process, and so does a
//     handler that goes on for [Grace] after its deadline: it is cut off, its further
//     PDK calls fail. What becomes of the request is declared: it is answered with
//     503, or passes (Plugin.FailOpen), or the configuration decides in
//     Failed(kong *pdk.PDK, err error). For Kong the event ends as any other.
//   - A handler that was cut off cannot be stopped. When too many of one plugin and
//     phase still run, they are not called for a while, and the events go the declared
//     way at once. When the process runs out of memory or goroutines, [Server.Serve]
//     drains and returns [ErrReplace].
//   - PDK calls whose reply says nothing cost no round trip, see [Calls]. When
//     Kong throws on one, which ends the request with a 500, the handler is told
//     by its next call that has an answer.
//   - What the protocol has no room for reaches Kong's error log nevertheless.
//     There is no error field in ProtoBuf:1, and closing the connection logs
//     "closed" at best and runs the event again without end at worst. An
//     event of a plugin or phase that is not here is therefore refused by calling a
//     PDK method whose name is the reason. Kong logs `pluginserver error: method "REASON" not found`,
//     answers 500, and goes on. An instance id that is not known here, after a
//     restart of this process, is refused with "no plugin instance", on which
//     Kong starts its instances anew and runs the event again.
package pluginserver
