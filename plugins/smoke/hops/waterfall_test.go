package hops

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/golden"
)

func TestDraw(t *testing.T) {
	t.Parallel()
	hostile := span(theTrace, "h1", "b1", "orders\x1b[31m", "GET \x07"+strings.Repeat("long ", 40), "server", 30, 20)
	failed := served(theTrace, "d2", "c2", "users", 40, 890)
	failed.Failed = true
	for name, spans := range map[string][]Span{
		"good":   page(),
		"broken": without("c1 d2", failed, hostile),
		"circle": {span(theTrace, "x", "y", "p", "GET /p", "server", 1, 2), span(theTrace, "y", "x", "q", "GET /q", "server", 1, 2)},
		"moment": {span(theTrace, "x", "", "p", "GET /p", "server", 1, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := Draw(&out, spans); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "testdata/waterfall-"+name+".txt", out.Bytes())
		})
	}
}

func TestDrawNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Draw(&out, nil); err != nil || out.Len() > 0 {
		t.Errorf("%q, error %v", out.String(), err)
	}
	if err := Draw(closed{}, page()); !errors.Is(err, errClosed) {
		t.Errorf("error %v of a writer that takes nothing", err)
	}
}

// TestDrawDeep: a chain that a backend made up costs lines, and no more.
func TestDrawDeep(t *testing.T) {
	t.Parallel()
	var spans []Span
	parent := ""
	for i := range 1000 {
		id := strings.Repeat("f", i+1)
		spans = append(spans, span(theTrace, id, parent, "p", "GET /p", "server", 1, 2))
		parent = id
	}
	var out bytes.Buffer
	if err := Draw(&out, spans); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 1000 {
		t.Errorf("%d lines, want one for each span", lines)
	}
}

var errClosed = errors.New("closed")

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errClosed }
