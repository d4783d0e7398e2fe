package schema_test

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/schema"
)

// stockConfig is what public plugins have in theirs.
type stockConfig struct {
	stockBase
	Message  string `json:"message"`
	Apiname  string `json:"api_name,omitempty"`
	Hidden   string `json:"-"`
	Dash     string `json:"-,"` //nolint:staticcheck // the name "-" is allowed
	Count    int
	Big      int64             `json:"big"`
	Small    uint8             `json:"small"`
	Natural  uint              `json:"natural"`
	Ratio    float32           `json:"ratio"`
	Quoted   int               `json:"quoted,string"`
	Timeout  time.Duration     `json:"timeout"`
	Since    time.Time         `json:"since"`
	Headers  map[string]string `json:"headers"`
	ByStatus map[int]string    `json:"by_status"`
	Nested   **stockNested     `json:"nested"`
	List     []*stockNested    `json:"list"`
	Pair     [2]string         `json:"pair"`
	Anything any               `json:"anything"`
	Extra    map[string]any    `json:"extra"`
	Mixed    []any             `json:"mixed"`
	Objects  []map[string]any  `json:"objects"`
	Raw      json.RawMessage   `json:"raw"`
	Number   json.Number       `json:"number"`
	Secret   []byte            `json:"secret"`
	Custom   stockEither       `json:"custom"`
	Tree     stockTree         `json:"tree"`
	Client   func()            // left out, as by package json
	Errors   chan error        `json:"errors"`
	Reader   io.Reader         `json:"reader"`
	client   *stockNested      //nolint:unused // shows that unexported fields are left out
}

type stockBase struct {
	Level   string `json:"level"`
	Message string `json:"message"` // hidden by stockConfig's
}

type stockNested struct {
	Host  string `json:"host"`
	Port  *int32 `json:"port"`
	Inner *struct{ Deep []string }
}

// stockEither decodes from a string or a list of them.
type stockEither []string

func (e *stockEither) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*e = stockEither{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(e))
}

type stockTree struct {
	Name     string      `json:"name"`
	Children []stockTree `json:"children"`
}

func (stockConfig) Access(*pdk.PDK) {}

func TestStockSchemaGolden(t *testing.T) {
	t.Parallel()
	info, err := pluginserver.Info(plain("stock", func() any { return &stockConfig{} }))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, info, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "stock.json", got.Bytes())
}

// TestStockConfigIsDecoded decodes what Kong sends of a configuration. A map with
// the keys 1 and 3 comes as a list with a null.
func TestStockConfigIsDecoded(t *testing.T) {
	t.Parallel()
	f, err := schema.Of(reflect.TypeFor[stockConfig](), false)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Normalise([]byte(`{"__seq__": 3, "message": "hi", "api_name": "a", "-": "d", "count": 1e+2,
		"big": 9007199254740991, "small": 255, "natural": 7, "quoted": "5", "timeout": 1000, "since": "2026-01-02T03:04:05Z",
		"headers": [], "by_status": ["a", null, "b"], "nested": {"host": "h", "port": 1, "inner": {"deep": {}}}, "list": {},
		"pair": ["a", "b"], "anything": {"a": []}, "extra": {"Case": {"K": {}}}, "mixed": [1, "x"], "objects": [{"a": null}],
		"raw": [1,  2], "number": 1.50, "secret": "aGk=", "custom": "one", "tree": {"children": [{"name": "leaf", "children": {}}]},
		"level": "info", "hidden": "x", "client": 1, "LIST": null}`))
	if err != nil {
		t.Fatal(err)
	}
	var got stockConfig
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	port := int32(1)
	nested := &stockNested{Host: "h", Port: &port, Inner: &struct{ Deep []string }{[]string{}}}
	want := &stockConfig{
		stockBase: stockBase{Level: "info"}, Message: "hi", Apiname: "a", Dash: "d", Count: 100, Big: 1<<53 - 1, Small: 255,
		Natural: 7, Quoted: 5, Timeout: 1000, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Headers: map[string]string{}, ByStatus: map[int]string{1: "a", 3: "b"}, Nested: &nested, List: []*stockNested{},
		Pair: [2]string{"a", "b"}, Anything: map[string]any{"a": []any{}}, Extra: map[string]any{"Case": map[string]any{"K": map[string]any{}}},
		Mixed: []any{1.0, "x"}, Objects: []map[string]any{{"a": nil}}, Raw: json.RawMessage(`[1,2]`), Number: "1.50",
		Secret: []byte("hi"), Custom: stockEither{"one"}, Tree: stockTree{Children: []stockTree{{Name: "leaf", Children: []stockTree{}}}},
	}
	if diff := stockDiff(want, &got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

// stockDiff compares what of a configuration can be configured.
func stockDiff(want, got *stockConfig) string {
	left := []string{"Client", "Errors", "Reader", "client"}
	return cmp.Diff(want, got, cmp.AllowUnexported(stockConfig{}), cmp.FilterPath(func(p cmp.Path) bool {
		return slices.Contains(left, strings.TrimPrefix(p.Last().String(), "."))
	}, cmp.Ignore()))
}

// FuzzDecodesAsGoPDK holds configurations to package json, with which go-pdk's
// server decodes them: what it takes is taken here, and means the same. Nulls
// are left out: Kong has none inside of a list or map.
func FuzzDecodesAsGoPDK(f *testing.F) {
	shape, err := schema.Of(reflect.TypeFor[stockConfig](), false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"message":"hi","api_name":"a","-":"d","count":1,"big":9007199254740991,"small":255,"natural":7,"quoted":"5"}`)
	f.Add(`{"ratio":1.5,"timeout":1000,"since":"2026-01-02T03:04:05Z","headers":{"a":"b"},"by_status":{"1":"b"},"secret":"aGk="}`)
	f.Add(`{"nested":{"host":"h","port":1,"inner":{"deep":["x"]}},"list":[{"host":"h"}],"pair":["a","b"],"custom":"one","level":"x"}`)
	f.Add(`{"raw":{"b":"<\u0041>","a":1}}`)
	f.Add(`{"anything":{"a":[]},"extra":{"Case":{"K":{}}},"mixed":[1,"x",{}],"objects":[{"a":1}],"raw":[1,2],"number":1.50}`)
	f.Add(`{"tree":{"name":"root","children":[{"name":"leaf","children":[]}]},"LIST":[],"hidden":"x","client":1,"__seq__":3}`)
	f.Fuzz(func(t *testing.T, in string) {
		var want, got stockConfig
		if strings.Contains(in, "null") || json.Unmarshal([]byte(in), &want) != nil {
			return
		}
		text, err := shape.Normalise([]byte(in))
		if err != nil {
			t.Fatalf("Normalise(%s): %v", in, err)
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s became %s: %v", in, text, err)
		}
		want.Raw, got.Raw = respelled(want.Raw), respelled(got.Raw)
		if diff := stockDiff(&want, &got); diff != "" {
			t.Errorf("%s became %s (-go-pdk's +ours):\n%s", in, text, diff)
		}
	})
}

// respelled is JSON in the spelling of package json.
func respelled(raw json.RawMessage) json.RawMessage {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	text, _ := json.Marshal(v)
	return text
}
