package server

import (
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// printHelp prints how Kong is told of the program, and the flags.
func (c *command) printHelp() {
	_, _ = fmt.Fprintln(c.flags.Output(), c.help)
	c.flags.Usage()
}

// helpOne is what -help of [StartServer] says above the flags.
func helpOne(p pluginserver.Plugin, program string) string {
	return fmt.Sprintf(`%[1]s %[2]s serves the plugin %[1]q to Kong, on PREFIX/%[1]s.socket.

kong.conf:
  plugins = bundled,%[1]s
  pluginserver_names = %[1]s
  pluginserver_%[3]s_socket = PREFIX/%[1]s.socket
  pluginserver_%[3]s_query_cmd = %[4]s -dump
  pluginserver_%[3]s_start_cmd = %[4]s

Without the last line Kong does not start it: somebody else must.
`, p.Name, p.Version, inConf(p.Name), program) + dotted(p)
}

// helpMany is what -help of [Run] says above the flags.
func helpMany(plugins []pluginserver.Plugin, program string) string {
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
`, program, len(plugins), names.String(), strings.TrimPrefix(names.String(), ","), lines.String()) + dotted(plugins...)
}

// inConf is a plugin's name as a part of a name in kong.conf.
func inConf(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "_")) }

// dotted warns of plugins whose settings Kong does not find: it reads kong.conf's names with
// underscores for dots, and then looks for those with dots.
func dotted(plugins ...pluginserver.Plugin) string {
	for _, p := range plugins {
		if strings.Contains(p.Name, ".") {
			return fmt.Sprintf("\nKong finds no settings of a name with a dot in kong.conf: call %s something else.\n", p.Name)
		}
	}
	return ""
}
