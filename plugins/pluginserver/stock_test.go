package pluginserver

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	"github.com/google/go-cmp/cmp"
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
	info, err := Info(plain("stock", func() any { return &stockConfig{} }))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, info, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "stock.json", got.Bytes())
}

// TestStockConfigIsDecoded decodes what Kong sends of a configuration.
func TestStockConfigIsDecoded(t *testing.T) {
	t.Parallel()
	srv, err := New(Options{}, plain("stock", func() any { return &stockConfig{} }))
	if err != nil {
		t.Fatal(err)
	}
	inst := srv.instances.start("stock", []byte(`{"__seq__": 3, "message": "hi", "api_name": "a", "-": "d", "count": 1e+2,
		"big": 9007199254740991, "small": 255, "natural": 7, "quoted": "5", "timeout": 1000, "since": "2026-01-02T03:04:05Z",
		"headers": [], "by_status": ["a", "b"], "nested": {"host": "h", "port": 1, "inner": {"deep": {}}}, "list": {},
		"pair": ["a", "b"], "anything": {"a": []}, "extra": {"Case": {"K": {}}}, "mixed": [1, "x"], "objects": [{"a": null}],
		"raw": [1,  2], "number": 1.50, "secret": "aGk=", "custom": "one", "tree": {"children": [{"name": "leaf", "children": {}}]},
		"level": "info", "hidden": "x", "client": 1, "LIST": null}`))
	if inst.err != nil {
		t.Fatal(inst.err)
	}
	port := int32(1)
	nested := &stockNested{Host: "h", Port: &port, Inner: &struct{ Deep []string }{[]string{}}}
	want := &stockConfig{
		stockBase: stockBase{Level: "info"}, Message: "hi", Apiname: "a", Dash: "d", Count: 100, Big: 1<<53 - 1, Small: 255,
		Natural: 7, Quoted: 5, Timeout: 1000, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Headers: map[string]string{}, ByStatus: map[int]string{1: "a", 2: "b"}, Nested: &nested, List: []*stockNested{},
		Pair: [2]string{"a", "b"}, Anything: map[string]any{"a": []any{}}, Extra: map[string]any{"Case": map[string]any{"K": map[string]any{}}},
		Mixed: []any{1.0, "x"}, Objects: []map[string]any{{"a": nil}}, Raw: json.RawMessage(`[1,2]`), Number: "1.50",
		Secret: []byte("hi"), Custom: stockEither{"one"}, Tree: stockTree{Children: []stockTree{{Name: "leaf", Children: []stockTree{}}}},
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool {
		return slices.Contains([]string{"Client", "Errors", "Reader", "client"}, strings.TrimPrefix(p.Last().String(), "."))
	}, cmp.Ignore())
	if diff := cmp.Diff(want, inst.config, ignore, cmp.AllowUnexported(stockConfig{})); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}
