package schema

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const probe = `{"name": "probe", "fields": [{"config": {"type": "record", "fields": [
	{"limit": {"type": "integer", "default": 5, "between": [1, 10]}},
	{"rate": {"type": "number", "gt": 0}},
	{"mode": {"type": "string", "one_of": ["open", "closed"], "default": "open"}},
	{"name": {"type": "string", "required": true, "len_max": 8, "match": "^%l+$"}},
	{"kind": {"type": "string", "not_one_of": ["x"]}},
	{"url": {"type": "string", "starts_with": "https://", "referenceable": true}},
	{"id": {"type": "string", "uuid": true}},
	{"none": {"type": "string", "match_none": [{"pattern": "x"}, {"pattern": "y", "err": "no y"}]}},
	{"all": {"type": "string", "match_all": [{"pattern": "^a"}, {"pattern": "z$", "err": "end in z"}]}},
	{"any": {"type": "string", "match_any": {"patterns": ["^a", "^b"]}}},
	{"either": {"type": "string", "match_any": {"patterns": ["^a", "^b"], "err": "begin with a or b"}}},
	{"on": {"type": "boolean", "default": false}},
	{"tags": {"type": "set", "elements": {"type": "string"}}},
	{"list": {"type": "array", "len_min": 1, "elements": {"type": "integer"}}},
	{"map": {"type": "map", "keys": {"type": "string", "match": "^%l+$"}, "values": {"type": "integer", "gt": 0}}},
	{"redis": {"type": "record", "fields": [
		{"host": {"type": "string", "default": "127.0.0.1"}},
		{"port": {"type": "integer", "default": 6379, "between": [0, 65535]}},
		{"password": {"type": "string", "referenceable": true}}
	]}},
	{"rules": {"type": "array", "elements": {"type": "record", "fields": [
		{"path": {"type": "string", "required": true}}, {"weight": {"type": "integer", "default": 1}}
	]}}},
	{"a": {"type": "string"}}, {"b": {"type": "string"}}
]}}], "entity_checks": [
	{"mutually_required": ["config.a", "config.b"]},
	{"conditional": {"if_field": "config.mode", "if_match": {"eq": "closed"}, "then_field": "config.rate", "then_match": {"required": true}}}
]}`

func parse(t *testing.T) (*Plugin, *Field) {
	t.Helper()
	p, err := ParsePlugin([]byte(probe))
	if err != nil {
		t.Fatal(err)
	}
	return p, &Field{Type: "record", Fields: p.Fields, EntityChecks: p.EntityChecks}
}

func value(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValidate(t *testing.T) {
	t.Parallel()
	_, field := parse(t)
	tests := []struct{ name, config, want string }{
		{"all well", `{"name": "x", "limit": 10, "rate": 0.5, "map": {"a": 1}, "tags": ["a"], "rules": [{"path": "/"}]}`, ""},
		{"required", `{}`, "config.name: required field missing"},
		{"required null", `{"name": null}`, "config.name: required field missing"},
		{"null resets a default", `{"name": "x", "limit": null}`, ""},
		{"not an integer", `{"name": "x", "limit": 1.5}`, "config.limit: expected an integer"},
		{"not an integer but text", `{"name": "x", "limit": "5"}`, "config.limit: expected an integer"},
		{"between", `{"name": "x", "limit": 11}`, "config.limit: value should be between 1 and 10"},
		{"gt", `{"name": "x", "rate": 0}`, "config.rate: value must be greater than 0"},
		{"not a number", `{"name": "x", "rate": "1"}`, "config.rate: expected a number"},
		{"one_of", `{"name": "x", "mode": "ajar"}`, "config.mode: expected one of: open, closed"},
		{"not_one_of", `{"name": "x", "kind": "x"}`, "config.kind: must not be one of: x"},
		{"empty text", `{"name": ""}`, "config.name: length must be at least 1"},
		{"len_max", `{"name": "abcdefghi"}`, "config.name: length must be at most 8"},
		{"match", `{"name": "A"}`, "config.name: invalid value: A"},
		{"not text", `{"name": 5}`, "config.name: expected a string"},
		{"starts_with", `{"name": "x", "url": "http://a"}`, "config.url: should start with: https://"},
		{"reference", `{"name": "x", "url": "{vault://env/url}"}`, ""},
		{"reference elsewhere", `{"name": "{vault://env/name}"}`, "config.name: length must be at most 8"},
		{"uuid", `{"name": "x", "id": "1"}`, "config.id: expected a valid UUID"},
		{"match_none", `{"name": "x", "none": "ax"}`, "config.none: invalid value: ax"},
		{"match_none with words of its own", `{"name": "x", "none": "ay"}`, "config.none: no y"},
		{"match_all", `{"name": "x", "all": "bz"}`, "config.all: invalid value: bz"},
		{"match_all with words of its own", `{"name": "x", "all": "ab"}`, "config.all: end in z"},
		{"match_any", `{"name": "x", "any": "c"}`, "config.any: invalid value: c"},
		{"match_any with words of its own", `{"name": "x", "either": "c"}`, "config.either: begin with a or b"},
		{"patterns that fit", `{"name": "x", "none": "a", "all": "az", "any": "b", "either": "a"}`, ""},
		{"not a boolean", `{"name": "x", "on": "true"}`, "config.on: expected a boolean"},
		{"not a set", `{"name": "x", "tags": "a"}`, "config.tags: expected a set"},
		{"not an array", `{"name": "x", "list": {"a": 1}}`, "config.list: expected an array"},
		{"empty object for an array", `{"name": "x", "tags": {}}`, ""},
		{"len_min of an array", `{"name": "x", "list": []}`, "config.list: length must be at least 1"},
		{"element", `{"name": "x", "list": [1, "b", null]}`, "config.list[1]: expected an integer\nconfig.list[2]: required field missing"},
		{"map key", `{"name": "x", "map": {"A": 1}}`, "config.map: invalid value: A"},
		{"map value", `{"name": "x", "map": {"a": 0}}`, "config.map: value must be greater than 0"},
		{"not a map", `{"name": "x", "map": [1]}`, "config.map: expected a map"},
		{"not a record", `{"name": "x", "redis": "localhost"}`, "config.redis: expected a record"},
		{"in a record", `{"name": "x", "redis": {"port": 70000}}`, "config.redis.port: value should be between 0 and 65535"},
		{"in an array of records", `{"name": "x", "rules": [{}, {"path": "/", "w": 1}]}`, "config.rules[0].path: required field missing\nconfig.rules[1].w: unknown field"},
		{"unknown field", `{"name": "x", "limt": 5}`, "config.limt: unknown field"},
		{"mutually_required", `{"name": "x", "a": "1"}`, "all or none of these fields must be set: 'config.a', 'config.b'"},
		{"conditional", `{"name": "x", "mode": "closed"}`, "config.rate: required field missing\nfailed conditional validation given value of field 'config.mode'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			normal := Normalize(field, map[string]any{"config": value(t, tt.config)})
			if got := Validate(field, normal, nil).Error(); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	p, _ := parse(t)
	given := value(t, `{"name": "x", "tags": ["a", "b", "a"], "rules": [{"path": "/"}]}`)
	want := value(t, `{"name": "x", "tags": ["a", "b"], "rules": [{"path": "/", "weight": 1}],
		"limit": 5, "mode": "open", "on": false, "redis": {"host": "127.0.0.1", "port": 6379}}`)
	if diff := cmp.Diff(want, WithoutNulls(Normalize(p.Config(), given))); diff != "" {
		t.Error(diff)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	p, _ := parse(t)
	known := map[string]string{"{vault://env/redis-password}": "pw", "{vault://env/url}": "https://a"}
	get := func(ref string) (string, error) {
		if value, ok := known[ref]; ok {
			return value, nil
		}
		return "", errors.New("no such secret")
	}
	var warned []string
	got := Resolve(p.Config(), map[string]any{
		"name": "{vault://env/ignored}", "url": "{vault://env/url}",
		"redis": map[string]any{"host": "h", "password": "{vault://env/redis-password}"},
	}, get, func(err error) { warned = append(warned, err.Error()) })
	want := map[string]any{
		"name": "{vault://env/ignored}", "url": "https://a", "$refs": map[string]any{"url": "{vault://env/url}"},
		"redis": map[string]any{"host": "h", "password": "pw", "$refs": map[string]any{"password": "{vault://env/redis-password}"}},
	}
	if diff := cmp.Diff(want, got); diff != "" || warned != nil {
		t.Errorf("warned %v\n%s", warned, diff)
	}
	got = Resolve(p.Config(), map[string]any{"url": "{vault://env/nope}"}, get, func(err error) { warned = append(warned, err.Error()) })
	if got["url"] != "" || len(warned) != 1 || warned[0] != "unable to resolve reference {vault://env/nope} (no such secret)" {
		t.Errorf("%q, warned %v", got["url"], warned)
	}
}

func TestParsePluginRefuses(t *testing.T) {
	t.Parallel()
	field := func(def string) string {
		return `{"name": "p", "fields": [{"config": {"type": "record", "fields": [{"f": ` + def + `}]}}]}`
	}
	for schema, want := range map[string]string{
		`{`:                    "unexpected EOF",
		`{"name": "p"}`:        "no record named config",
		field(`{"type": "x"}`): `config.f: invalid type: "x"`,
		field(`{"type": "string", "custom_validator": "f"}`):          `unknown field "custom_validator"`,
		field(`{"type": "array"}`):                                    "field of type 'array' must declare 'elements'",
		field(`{"type": "string", "description": "short"}`):           "5 characters, expected 10 to 500",
		field(`{"type": "integer", "between": [1, 2], "default": 3}`): "config.f.default: 3: value should be between 1 and 2",
		field(`{"type": "integer", "between": [1]}`):                  "expected two numbers",
		`{"fields": [{"config": {"type": "record"}, "x": {}}]}`:       "expected one field name, got 2",
	} {
		_, err := ParsePlugin([]byte(schema))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", schema, err, want)
		}
	}
}

func FuzzValidate(f *testing.F) {
	p, err := ParsePlugin([]byte(probe))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"name": "x", "limit": 3}`)
	f.Add(`{"rules": [[], {}, null], "map": {"": []}, "redis": []}`)
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			t.Skip()
		}
		normal := Normalize(p.Config(), v)
		errs := Validate(p.Config(), normal, nil)
		again := Validate(p.Config(), Normalize(p.Config(), normal), nil)
		if errs.Error() != again.Error() {
			t.Errorf("normalizing twice changes the errors:\n%v\n%v", errs, again)
		}
		var list Errors
		if len(errs) > 0 && !errors.As(error(errs), &list) {
			t.Error("errors are no Errors")
		}
	})
}

func TestPathIn(t *testing.T) {
	t.Parallel()
	document := map[string]any{"services": []any{map[string]any{"name": "orders"}}}
	for _, c := range []struct {
		path Path
		want any
	}{
		{Path{"services", 0, "name"}, "orders"},
		{Path{"services", 1, "name"}, nil},
		{Path{"services", "name"}, nil},
		{Path{"routes", 0}, nil},
	} {
		if got := c.path.In(document); got != c.want {
			t.Errorf("%s is %v, want %v", c.path, got, c.want)
		}
	}
}
