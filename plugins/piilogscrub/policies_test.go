package piilogscrub_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
)

// started is a config that is in use.
func started(t *testing.T, r *piilogscrub.Runtime, edit func(*piilogscrub.Config)) *piilogscrub.Config {
	t.Helper()
	c := r.New().(*piilogscrub.Config)
	if edit != nil {
		edit(c)
	}
	if err := c.Provision(); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLinesAreOfNoConfiguration: nginx's lines are scrubbed by the strictest of all
// configurations in use, whichever started last.
func TestLinesAreOfNoConfiguration(t *testing.T) {
	t.Parallel()
	keep := func(c *piilogscrub.Config) {
		c.NeverFields, c.Actions = []string{"password"}, map[string]string{"email": "keep"}
	}
	onRoute := func(edit func(*piilogscrub.Config)) func(*piilogscrub.Config) {
		return func(c *piilogscrub.Config) { edit(c); c.RouteID = "r1" }
	}
	ref := func(c *piilogscrub.Config) { c.Fields = []string{"order_ref"} }
	const line = "password=hunter2&order_ref=abc&by=a@b.io"
	const byDefault, least, most = "password=[field]&order_ref=abc&by=[email]", line, "password=[field]&order_ref=[field]&by=[email]"

	r := newRuntime(t, &bytes.Buffer{})
	check := func(when, want string) {
		t.Helper()
		if out, _ := r.Engine().Query(nil, []byte(line)); string(out) != want {
			t.Errorf("%s: %s, want %s", when, out, want)
		}
	}
	closeAll := func(configs ...*piilogscrub.Config) {
		for _, c := range configs {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	check("before any", byDefault)
	route := started(t, r, onRoute(keep))
	check("one of a route keeps", byDefault)
	global := started(t, r, keep)
	check("all requests' keeps", least)
	strict := started(t, r, onRoute(ref))
	check("one of a route takes more", most)
	later := started(t, r, keep)
	check("the last one keeps", most)
	closeAll(strict)
	check("the strict one is closed", least)
	closeAll(global, global)
	check("one of two for all requests is closed, twice", least)
	closeAll(later)
	check("none is for all requests", byDefault)
	closeAll(route)
	check("none is in use", byDefault)

	broken := degraded(t, r, func(c *piilogscrub.Config) { broken(c); keep(c); ref(c) })
	check("one with a mistake in it", most)
	closeAll(broken)
	check("it is closed", byDefault)
}

// TestEqualPoliciesAreOne: what lines cost does not grow with the number of routes, and a
// reload that changes nothing makes no engine anew.
func TestEqualPoliciesAreOne(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, &bytes.Buffer{})
	patterned := func(c *piilogscrub.Config) { c.Patterns = []piilogscrub.Pattern{{Name: "c", Regex: `C-\d+`}} }
	first := started(t, r, patterned)
	engine := r.Engine()
	for i := range 100 {
		c := started(t, r, func(c *piilogscrub.Config) { patterned(c); c.RouteID = fmt.Sprint("r", i) })
		if r.Engine() != engine {
			t.Fatal("an equal policy made an engine anew")
		}
		defer c.Close()
	}
	again := started(t, r, patterned)
	if err := first.Close(); err != nil || r.Engine() != engine {
		t.Errorf("error %v; a reload that changes nothing made an engine anew: %v", err, r.Engine() != engine)
	}
	if err := again.Close(); err != nil || r.Engine() == engine {
		t.Errorf("error %v; the last one for all requests is closed, and the engine stays: %v", err, r.Engine() == engine)
	}
}

// TestLinesWhileConfigsChange is for the race detector.
func TestLinesWhileConfigsChange(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, &bytes.Buffer{})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 50 {
				c := r.New().(*piilogscrub.Config)
				c.Fields = []string{fmt.Sprint("field", i)}
				if c.Provision() != nil || r.Engine() == nil || c.Close() != nil {
					t.Error("a config does not start or end")
				}
			}
		})
	}
	all.Wait()
}
