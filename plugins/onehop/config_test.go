package onehop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

func TestProvisionRefuses(t *testing.T) {
	t.Parallel()
	noTracer := newProcess(t, sections{})
	noTracer.options.Tracer = nil
	tests := []struct {
		name   string
		config string
		on     *process
		want   []string // lines of the error
	}{
		{"no section", `{"trace_inject":{}}`, nil, []string{"run: empty"}},
		{"no such section", `{"run":["trace"]}`, nil, []string{`run: "trace" is no section`}},
		{"absent section", `{"run":["trace_inject"]}`, nil, []string{"trace_inject: run names the section, and it is absent"}},
		{"several fields of several sections", `{"run":["trace_inject","tenant_rate_limit"],"trace_inject":{"incoming":"x","baggage":"y","sample_ratio":1},"tenant_rate_limit":{"default_plan":"gold"}}`, nil,
			[]string{`trace_inject.incoming: "x"`, `trace_inject.baggage: "y"`, `tenant_rate_limit.default_plan: "gold" is not in plans`}},
		{"scrub", `{"run":["pii_log_scrub"],"pii_log_scrub":{"audit":"maybe"}}`, nil, []string{`pii_log_scrub.audit "maybe": use on or off`}},
		{"sunset", `{"run":["sunset_headers"],"sunset_headers":{}}`, nil, []string{"sunset_headers.sunset_at: it is absent, and so is deprecated_at"}},
		{"a plugin that is not served", `{"run":["trace_inject"],"trace_inject":{}}`, noTracer, []string{"trace_inject: this process does not serve that plugin"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := tt.on
			if p == nil {
				p = newProcess(t, sections{})
			}
			config := must(onehop.NewRuntime(p.options))(t).New().(*onehop.Config)
			if err := json.Unmarshal([]byte(tt.config), config); err != nil {
				t.Fatal(err)
			}
			err := config.Provision()
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("%d lines, want %d: %v", len(lines), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("line %q, want %q", lines[i], want)
				}
			}
		})
	}
}

// TestKongsJSON: what Kong sends, with defaults in sections that are not to run and
// tables that Lua cannot tell apart, runs from decoding to the answer.
func TestKongsJSON(t *testing.T) {
	t.Parallel()
	p := newProcess(t, sections{})
	runtime := must(onehop.NewRuntime(p.options))(t)
	config := runtime.New().(*onehop.Config)
	text := `{"run":["trace_inject"],"pii_log_scrub":null,"sunset_headers":{"after_sunset":"gone","brownout_status":503},"trace_inject":{"incoming":"link","trusted_cidrs":[],"sample_ratio":1,"baggage":"remove","response_header":"X-Trace-Id"},"tenant_rate_limit":null}`
	if err := json.Unmarshal([]byte(text), config); err != nil {
		t.Fatal(err)
	}
	if err := config.Provision(); err != nil {
		t.Fatal(err)
	}
	if got := kongtest.Run(t, config.Access, alice()).Response.Headers.Get("X-Trace-Id"); got == "" {
		t.Error("the section does not run")
	}
	if err := runtime.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSchema: the sections' schemas are those of the plugins.
func TestSchema(t *testing.T) {
	t.Parallel()
	p := newProcess(t, sections{})
	fields := configFields(t, pluginserver.Plugin{
		Name: onehop.Name, Version: onehop.Version, Priority: onehop.Priority, New: must(onehop.NewRuntime(p.options))(t).New,
	})
	for section, plugin := range map[string]pluginserver.Plugin{
		"pii_log_scrub": {Name: piilogscrub.Name, Version: piilogscrub.Version, New: p.options.Scrubber.New},
		"trace_inject":  {Name: traceinject.Name, Version: traceinject.Version, New: p.options.Tracer.New},
		"api_version":   {Name: apiversion.Name, Version: apiversion.Version, New: p.options.Versions.New},
	} {
		var record struct {
			Type     string
			Required bool
			Fields   json.RawMessage
		}
		if err := json.Unmarshal(fields[section], &record); err != nil {
			t.Fatal(err)
		}
		if record.Type != "record" || record.Required {
			t.Errorf("%s is a %s, required: %t; want an optional record", section, record.Type, record.Required)
		}
		apart := must(json.Marshal(configFields(t, plugin)))(t)
		inOne := must(json.Marshal(members(t, record.Fields)))(t)
		if string(apart) != string(inOne) {
			t.Errorf("%s has the fields\n%s\nand the plugin\n%s", section, inOne, apart)
		}
	}
	if len(fields) != 6 {
		t.Errorf("%d fields, want run and 5 sections", len(fields))
	}
}

// configFields are the fields of a plugin's config by name.
func configFields(t *testing.T, plugin pluginserver.Plugin) map[string]json.RawMessage {
	t.Helper()
	var info struct {
		Plugins []struct {
			Schema struct {
				Fields []struct {
					Config struct{ Fields json.RawMessage }
				}
			}
		}
	}
	if err := json.Unmarshal(must(pluginserver.Info(plugin))(t), &info); err != nil {
		t.Fatal(err)
	}
	return members(t, info.Plugins[0].Schema.Fields[0].Config.Fields)
}

func members(t *testing.T, text json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]json.RawMessage{}
	for _, field := range list {
		for name, schema := range field {
			all[name] = schema
		}
	}
	return all
}
