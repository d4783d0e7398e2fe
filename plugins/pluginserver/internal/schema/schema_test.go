package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// handled makes a configuration of a test a plugin's.
type handled struct{}

func (handled) Access(*pdk.PDK) {}

// plain is a plugin of a configuration.
func plain(name string, config func() any) pluginserver.Plugin {
	return pluginserver.Plugin{Name: name, Version: "1.2.3", Priority: 905, New: config}
}

type scalarsConfig struct {
	handled
	Message string   `json:"message,omitempty" kong:"required,default=<hi>,len_min=1,len_max=80" desc:"What to say to the client."`
	Mode    string   `json:"mode" kong:"default=open,one_of=open|closed" desc:"Which way a failure goes."`
	Level   int64    `json:"level" kong:"default=3,one_of=1|2|3" desc:"How much to say, from one to three."`
	Limit   int      `json:"limit" kong:"required,between=1|100000,default=60" desc:"Requests in a window."`
	Ratio   float64  `json:"ratio" kong:"gt=0,default=0.5" desc:"Part of the events that is sampled."`
	On      bool     `json:"on" kong:"default=true" desc:"Whether it does anything at all."`
	Maybe   *int32   `json:"maybe" desc:"An integer that may be absent."`
	Secret  string   `json:"secret" kong:"referenceable,encrypted" desc:"A password, or a reference to a vault."`
	ID      string   `json:"id" kong:"uuid" desc:"The identity of something."`
	Token   string   `json:"token" kong:"match=^%a[%w_-]*$" desc:"A word that begins with a letter."`
	Skipped string   `json:"-"`
	hidden  []string //nolint:unused // shows that unexported fields are left out
}

type redisConfig struct {
	URL     string `json:"url" kong:"required,referenceable" desc:"Where Redis is, redis://host:port/db."`
	Timeout int    `json:"timeout_ms" kong:"default=50,gt=0" desc:"How long to wait for Redis, in milliseconds."`
}

type shared struct {
	Tag string `json:"tag" desc:"A field of an embedded struct."`
}

type nestedConfig struct {
	handled
	shared
	Redis   redisConfig       `json:"redis" kong:"required" desc:"The store of the counters."`
	Backup  *redisConfig      `json:"backup" desc:"The store to use when the first is away."`
	Names   []string          `json:"names" kong:"set,len_min=1,match=^%a+$,default=[\"a\",\"b\"]" desc:"Names, each at most once."`
	Plans   map[string]int    `json:"plans" kong:"between=1|10,default={\"free\":1}" desc:"The quota of each plan."`
	Stores  []redisConfig     `json:"stores" kong:"len_max=4" desc:"Further stores of counters."`
	Secrets map[string]string `json:"secrets" kong:"referenceable,encrypted" desc:"Passwords by name of user."`
	Empty   struct{}          `json:"empty" desc:"A record without any fields."`
}

type checkedConfig struct {
	_ struct{} `kong:"at_least_one_of=from|rules,whole"`
	_ struct{} `kong:"if=mode is timed,then=until is given"`
	_ struct{} `kong:"if=mode is not timed,then=until is absent,err=until is for the mode timed"`
	_ struct{} `kong:"if=names contains a,at_least_one_of=from|rules"`
	handled
	From   string            `json:"from" kong:"shape=network" desc:"Where requests may come from."`
	Mode   string            `json:"mode" kong:"default=timed,one_of=timed|open,not_one_of=shut" desc:"Which way a failure goes."`
	Until  string            `json:"until" kong:"match=^[^\\,]+$,err=write a date\\, or nothing" desc:"When the mode timed ends."`
	Header string            `json:"header" kong:"len_min=0,shape=header_name,not_header=Content-Length|TE|Access-Control-*" desc:"A header of the response."`
	Names  []string          `json:"names" kong:"set,len_max=9,each_len_max=3,starts_with=a" desc:"Names that begin with an a."`
	Kinds  map[string]string `json:"kinds" kong:"keys_one_of=b|c,match_any=^a,match_any=^b" desc:"An a or a b for each kind."`
	Rules  []ruleConfig      `json:"rules" desc:"Rules that are records in a list."`
	Rule   *ruleConfig       `json:"rule" desc:"A record that may be absent, and is then filled in."`
}

type ruleConfig struct {
	_       struct{} `kong:"only_one_of=end|seconds"`
	_       struct{} `kong:"at_least_one_of=end|seconds,whole"`
	End     string   `json:"end" kong:"shape=date" desc:"When the rule ends, a date."`
	Seconds int      `json:"seconds" desc:"How long the rule lasts."`
}

func TestInfoGolden(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func() any{
		"scalars": func() any { return &scalarsConfig{} },
		"nested":  func() any { return &nestedConfig{} },
		"bare":    func() any { return &handled{} },
		"checked": func() any { return &checkedConfig{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info, err := pluginserver.Info(plain(name, config))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, info, "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", got.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), rewrite it with -update:\n%s", path, diff)
	}
}

func TestSchemaErrors(t *testing.T) {
	t.Parallel()
	type loop struct {
		handled
		Next []loop `json:"next" desc:"This never ends anywhere."`
	}
	for name, tt := range map[string]struct {
		config any
		want   []string
	}{
		"unknown word": {&struct {
			handled
			A string `json:"a" kong:"requird" desc:"A field of a test."`
		}{}, []string{".A", `"requird"`, "required"}},
		"scope of nothing": {&struct {
			handled
			A string `json:"a" kong:"scope"`
		}{}, []string{".A", "route_id, service_id, consumer_id"}},
		"word twice": {&struct {
			handled
			A string `json:"a" kong:"required,required" desc:"A field of a test."`
		}{}, []string{".A", "twice"}},
		"default of another type": {&struct {
			handled
			A int `json:"a" kong:"default=many" desc:"A field of a test."`
		}{}, []string{".A", "default=many", "integer"}},
		"default is a fraction": {&struct {
			handled
			A int `json:"a" kong:"default=1.5" desc:"A field of a test."`
		}{}, []string{".A", "default=1.5", "integer"}},
		"default of another element type": {&struct {
			handled
			A []int `json:"a" kong:"default=[1,\"x\"]" desc:"A field of a test."`
		}{}, []string{".A", `"x"`, "integer"}},
		"default with an unknown member": {&struct {
			handled
			A redisConfig `json:"a" kong:"default={\"uri\":\"x\"}" desc:"A field of a test."`
		}{}, []string{".A", `"uri"`}},
		"default not in one_of": {&struct {
			handled
			A string `json:"a" kong:"one_of=x|y,default=z" desc:"A field of a test."`
		}{}, []string{".A", `"z"`, "one_of"}},
		"default not between": {&struct {
			handled
			A int `json:"a" kong:"between=1|9,default=10" desc:"A field of a test."`
		}{}, []string{".A", "10", "1 and 9"}},
		"default not greater": {&struct {
			handled
			A int `json:"a" kong:"gt=0,default=0" desc:"A field of a test."`
		}{}, []string{".A", "greater than 0"}},
		"one_of on a bool": {&struct {
			handled
			A bool `json:"a" kong:"one_of=true" desc:"A field of a test."`
		}{}, []string{".A", "one_of", "boolean"}},
		"one_of of another type": {&struct {
			handled
			A int `json:"a" kong:"one_of=1|x" desc:"A field of a test."`
		}{}, []string{".A", "one_of", "x"}},
		"bounds the wrong way": {&struct {
			handled
			A int `json:"a" kong:"between=9|1" desc:"A field of a test."`
		}{}, []string{".A", "between=9|1", "low first"}},
		"negative length": {&struct {
			handled
			A string `json:"a" kong:"len_min=-1" desc:"A field of a test."`
		}{}, []string{".A", "len_min=-1"}},
		"word without its value": {&struct {
			handled
			A string `json:"a" kong:"match" desc:"A field of a test."`
		}{}, []string{".A", "match=V"}},
		"value for a bare word": {&struct {
			handled
			A string `json:"a" kong:"required=true" desc:"A field of a test."`
		}{}, []string{".A", "required", "no value"}},
		"set on a string": {&struct {
			handled
			A string `json:"a" kong:"set" desc:"A field of a test."`
		}{}, []string{".A", "set", "array"}},
		"star without a name": {&struct {
			handled
			A string `json:"a" kong:"not_header=TE|*" desc:"A field of a test."`
		}{}, []string{".A", "names of headers"}},
		"no such shape": {&struct {
			handled
			A string `json:"a" kong:"shape=round" desc:"A field of a test."`
		}{}, []string{".A", "shape=round", "header_name"}},
		"header without a name": {&struct {
			handled
			A string `json:"a" kong:"not_header=TE|" desc:"A field of a test."`
		}{}, []string{".A", "names of headers"}},
		"keys of a list": {&struct {
			handled
			A []string `json:"a" kong:"keys_one_of=a|b" desc:"A field of a test."`
		}{}, []string{".A", "keys_one_of", "map"}},
		"rule about no field": {&struct {
			_ struct{} `kong:"at_least_one_of=a|b"`
			handled
			A string `json:"a" desc:"A field of a test."`
		}{}, []string{"at_least_one_of=a|b", `no field "b"`}},
		"rule without fields": {&struct {
			_ struct{} `kong:"at_least_one_of"`
			handled
		}{}, []string{"at_least_one_of=V"}},
		"no such rule": {&struct {
			_ struct{} `kong:"most_of=a"`
			handled
			A string `json:"a" desc:"A field of a test."`
		}{}, []string{"most_of", "mutually_exclusive"}},
		"no condition": {&struct {
			_ struct{} `kong:"if=a was 1,then=a is 2"`
			handled
			A int `json:"a" desc:"A field of a test."`
		}{}, []string{"a was 1", "FIELD is V"}},
		"condition of another type": {&struct {
			_ struct{} `kong:"if=a is x,then=a is 2"`
			handled
			A int `json:"a" desc:"A field of a test."`
		}{}, []string{"a is x", "integer"}},
		"condition without an end": {&struct {
			_ struct{} `kong:"if=a is 1"`
			handled
			A int `json:"a" desc:"A field of a test."`
		}{}, []string{"then=CONDITION"}},
		"no desc": {&struct {
			handled
			A string `json:"a"`
		}{}, []string{".A", "desc"}},
		"short desc": {&struct {
			handled
			A string `json:"a" desc:"Too short"`
		}{}, []string{".A", "9 characters", "10 to 500"}},
		"no json tag": {&struct {
			handled
			A string `desc:"A field of a test."`
		}{}, []string{".A", "json"}},
		"duration": {&struct {
			handled
			A time.Duration `json:"a" desc:"A field of a test."`
		}{}, []string{".A", "time.Duration", "timeout_ms"}},
		"interface": {&struct {
			handled
			A any `json:"a" desc:"A field of a test."`
		}{}, []string{".A", "interface"}},
		"integer keys": {&struct {
			handled
			A map[int]string `json:"a" desc:"A field of a test."`
		}{}, []string{".A", "string keys"}},
		"same name twice": {&struct {
			handled
			shared
			B string `json:"tag" desc:"A field of a test."`
		}{}, []string{".B", `"tag"`}},
		"recursion": {&loop{}, []string{"loop", "contains itself"}},
		"nested": {&struct {
			handled
			A []struct {
				B int `json:"b"`
			} `json:"a" desc:"A field of a test."`
		}{}, []string{".A", ".B", "desc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pluginserver.New(pluginserver.Options{Strict: true}, plain("p", func() any { return tt.config }))
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range append(tt.want, "plugin p") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}
