package pluginserver

import "github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/schema"

// dump is what kong/runloop/plugin_servers/process.lua reads from the standard
// output of a query command. It looks at Protocol and the first of Plugins;
// SocketPath is there because go-pdk's server has it.
type dump struct {
	Protocol   string
	SocketPath string
	Plugins    []pluginDump
}

type pluginDump struct {
	Name     string
	Phases   []string
	Version  string
	Priority int
	Schema   schema.Plugin
}

// Info returns the JSON that the query command of a plugin must print
// (pluginserver_NAME_query_cmd). It describes exactly one plugin: Kong ignores
// all but the first. The schema comes from the configuration's struct tags:
//
//	json:"name"   the field's name in kong.yaml
//	desc:"..."    one sentence of 10 to 500 characters, which Kong shows
//	kong:"..."    required, default=V, one_of=a|b, not_one_of=a|b, between=1|100,
//	              gt=0, len_min=1, len_max=9, each_len_max=9, starts_with=V,
//	              match=LUAPATTERN, match_any=LUAPATTERN (again for each other),
//	              shape=date, not_header=Date|Content-*, uuid, err=TEXT,
//	              keys_one_of=a|b, referenceable, encrypted, set
//
// On a slice or map, what is said of a value is about its elements or values;
// required, default, len_min, len_max, set and encrypted are about the whole,
// each_len_max about the length of each element, keys_one_of about a map's keys.
// A comma in a value has a backslash before it; a default that is a list or
// object is JSON and comes last. A shape is a name for patterns: date (RFC 3339, from
// 1970 on), network, header_name, response_header_name (one that nginx sends as it is),
// reference (an http(s) URI or an absolute path), reference_template, redis_url, method,
// time_zone, printable (ASCII) or text. not_header refuses header names whatever their
// case, and with a star at the end all that begin so; err is what Kong says of a text
// that the patterns refuse.
//
// Fields named "_" hold rules about several fields of their struct, one each:
//
//	_ struct{} `kong:"only_one_of=end_at|seconds"`
//	_ struct{} `kong:"if=algorithm is not calendar,then=window is given"`
//	_ struct{} `kong:"if=run contains limits,at_least_one_of=limits.a|limits.b"`
//
// The rules are at_least_one_of, only_one_of, mutually_required,
// mutually_exclusive and distinct; conditions are FIELD is V, is not V,
// contains V, is given, or is absent. Kong fills in a record that is absent, and
// then checks it: a rule with the word whole is for a plugin's whole
// configuration, and not for a record in another one.
//
// The error names the plugin, type and field, and what to write instead.
//
// Every type that go-pdk's own server takes is taken. A field without a json
// tag has its Go name in lower case; an embedded struct's fields are those of
// the struct around it, as for package json; what decodes itself or can be
// anything is of Kong's type json; what no JSON makes a value of is left out.
func Info(p Plugin) ([]byte, error) {
	compiled, err := compile(p, false)
	if err != nil {
		return nil, err
	}
	return encodeDump("", compiled)
}

// Dump returns the info of all plugins, sorted by name, with the socket on which they
// are served, as go-pdk's server prints it.
func (s *Server) Dump(socket string) ([]byte, error) {
	var plugins []*plugin
	for _, name := range s.names {
		plugins = append(plugins, s.plugins[name])
	}
	return encodeDump(socket, plugins...)
}

func encodeDump(socket string, plugins ...*plugin) ([]byte, error) {
	d := dump{Protocol: "ProtoBuf:1", SocketPath: socket}
	for _, p := range plugins {
		d.Plugins = append(d.Plugins, pluginDump{
			Name: p.Name, Phases: p.phases, Version: p.Version, Priority: p.Priority, Schema: schema.OfPlugin(p.Name, p.config),
		})
	}
	return schema.Encode(d)
}
