package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/schema"
)

func configField(t testing.TB, config any) *schema.Field {
	t.Helper()
	f, err := schema.Of(reflect.TypeOf(config), true)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

type scopedConfig struct {
	handled
	RouteID string `json:"route_id" kong:"scope"`
	Tag     string `json:"tag" desc:"A word of the operator's choice."`
}

// TestScope: what Kong adds reaches a configuration that asks for it, and is no field
// that an operator can set.
func TestScope(t *testing.T) {
	t.Parallel()
	f := configField(t, scopedConfig{})
	got, err := f.Normalise([]byte(`{"__seq__":7,"route_id":"r","service_id":"s","tag":"x"}`))
	if want := `{"route_id":"r","tag":"x"}`; err != nil || string(got) != want {
		t.Errorf("normalise = %s, %v; want %s", got, err, want)
	}
	if text, err := json.Marshal(f); err != nil || strings.Contains(string(text), "route_id") {
		t.Errorf("the schema has what is Kong's: %s, %v", text, err)
	}
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	f := configField(t, nestedConfig{})
	for name, tt := range map[string]struct{ in, want string }{
		"nothing":                  {``, `{}`},
		"null":                     {`null`, `{}`},
		"empty table":              {`{}`, `{}`},
		"empty table as a list":    {`[]`, `{}`},
		"what Kong adds":           {`{"__seq__":7,"__key__":"plugins:x","__plugin_id":"u","route_id":"r","service_id":"s","tag":"x"}`, `{"tag":"x"}`},
		"nulls":                    {`{"tag":null,"redis":{"url":null,"timeout_ms":5}}`, `{"redis":{"timeout_ms":5}}`},
		"list as a table":          {`{"names":{},"stores":{}}`, `{"names":[],"stores":[]}`},
		"table as a list":          {`{"plans":[],"redis":[],"secrets":{}}`, `{"plans":{},"redis":{},"secrets":{}}`},
		"list inside a list":       {`{"stores":[[],{"url":"x"}]}`, `{"stores":[{},{"url":"x"}]}`},
		"large integer":            {`{"plans":{"a":1e+15,"b":2.0,"c":1.5}}`, `{"plans":{"a":1000000000000000,"b":2,"c":1.5}}`},
		"absurd exponent":          {`{"plans":{"a":1e400,"b":1e-400}}`, `{"plans":{"a":1e400,"b":1e-400}}`},
		"sorted":                   {`{"tag":"x","names":["b","a"]}`, `{"names":["b","a"],"tag":"x"}`},
		"left for Unmarshal":       {`{"names":{"a":1},"tag":["x"]}`, `{"names":{"a":1},"tag":["x"]}`},
		"a record without fields":  {`{"empty":{"x":1}}`, `{"empty":{}}`},
		"escapes are not a change": {`{"tag":"\u0041\/"}`, `{"tag":"A/"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := f.Normalise([]byte(tt.in))
			if err != nil || string(got) != tt.want {
				t.Errorf("normalise(%s) = %s, %v; want %s", tt.in, got, err, tt.want)
			}
		})
	}
	for _, bad := range []string{`{`, `{} {}`, `{"a":}`, "\x00"} {
		if got, err := f.Normalise([]byte(bad)); err == nil {
			t.Errorf("normalise(%q) = %s, want an error", bad, got)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	stock, err := schema.Of(reflect.TypeFor[stockConfig](), false)
	if err != nil {
		f.Fatal(err)
	}
	shapes := []*schema.Field{configField(f, nestedConfig{}), stock}
	f.Add(`{"__seq__":1,"names":{},"plans":[],"redis":{"url":"x","timeout_ms":1e+15}}`)
	f.Add(`{"stores":[{},null,[]],"plans":{"a":1e400}}`)
	f.Add(`{"by_status":["a"],"tree":{"children":[{"children":{}}]},"extra":{"a":null},"objects":[[]],"MESSAGE":"x"}`)
	f.Fuzz(func(t *testing.T, in string) {
		for _, shape := range shapes {
			once, err := shape.Normalise([]byte(in))
			if err != nil {
				return
			}
			twice, err := shape.Normalise(once)
			if err != nil || string(twice) != string(once) {
				t.Errorf("normalise is not stable: %q became %q, then %q, %v", in, once, twice, err)
			}
			if strings.Contains(string(once), "__seq__\"") && strings.HasPrefix(string(once), `{"__`) {
				t.Errorf("normalise(%q) = %q keeps Kong's own keys", in, once)
			}
		}
	})
}
