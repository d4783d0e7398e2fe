package pluginserver

import (
	"errors"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// faulty is a configuration that may be wrong in each of the ways there are.
type faulty struct {
	phasedConfig
	Key  string `json:"key" desc:"What goes wrong, if anything."`
	mend *atomic.Bool
	ends *atomic.Int32
}

func (c *faulty) Provision() error {
	switch {
	case c.mend.Load():
	case c.Key == "bad":
		return errors.New("key: must not be bad: write good, not Closed, no plugin instance\nother: wrong")
	case c.Key == "panic":
		panic("oh no")
	}
	return nil
}

func (c *faulty) Failed(kong *pdk.PDK, _ error) { kong.Response.ExitStatus(418) }

func (c *faulty) Close() error { c.ends.Add(1); return nil }

// degrading is one that goes on.
type degrading struct {
	faulty
	reason error
	again  bool // Degrade panics
}

func (c *degrading) Degrade(err error) {
	if c.reason = err; c.again {
		panic("again")
	}
}

func (c *degrading) Access(kong *pdk.PDK) {
	if c.reason == nil {
		return
	}
	_ = kong.Response.SetHeader("X-Degraded", "yes")
}

// TestDegradedConfigurations has Kong start what it accepted and a plugin does not: no
// event is a 500.
func TestDegradedConfigurations(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config string
		reason string // in /readyz, and on one line
	}{
		"provision fails":  {`{"key":"bad"}`, "key: must not be bad: write good, not Closed, no plugin instance; other: wrong"},
		"provision panics": {`{"key":"panic"}`, "start: panic: oh no"},
		"wrong type":       {`{"key":["x"]}`, "decode config: json: cannot unmarshal array into Go struct field"},
		"no JSON":          {`{`, "decode config: unexpected EOF"},
	} {
		for _, open := range []bool{true, false} {
			for does, kind := range map[string]string{"degrades": "can do less", "panics": "in Degrade, too", "has no Degrade": ""} {
				t.Run(name+" "+does+map[bool]string{true: " open", false: " closed"}[open], func(t *testing.T) {
					t.Parallel()
					var mend atomic.Bool
					var ends atomic.Int32
					p := plain("test", func() any {
						base := faulty{phasedConfig{func(*pdk.PDK) {}}, "", &mend, &ends}
						if kind == "" {
							return &base
						}
						return &degrading{faulty: base, again: does == "panics"}
					})
					p.FailOpen = open
					srv := serve(t, Options{}, p)
					id := srv.mustStart(t, "test", []byte(tt.config))
					if again := srv.mustStart(t, "test", []byte(tt.config)); again != id {
						t.Errorf("another worker's start is instance %d, want %d", again, id)
					}
					for phase, exits := range map[string]bool{"access": true, "rewrite": true, "log": false, "certificate": false} {
						effects, err := srv.HandleEvent(id, phase, kongtest.Request{})
						refused := !open && exits && does != "degrades"
						if err != nil || (effects.Exit != nil) != refused || refused && effects.Exit.Status != 503 {
							t.Errorf("%s: %v, exit %+v; refused should be %v", phase, err, effects.Exit, refused)
						}
						if got := effects.Response.Headers.Get("X-Degraded") != ""; got != (does == "degrades" && phase == "access") {
							t.Errorf("%s: the handler was told that it is degraded: %v", phase, got)
						}
					}
					srv.toldOf(t, tt.reason, 1)
					_ = srv.CloseInstance(id)
					srv.toldOf(t, tt.reason, 1)
					_ = srv.CloseInstance(id)
					srv.toldOf(t, tt.reason, 0)
					if got := ends.Load(); (got == 1) != (does == "degrades") {
						t.Errorf("Close was called %d times, want it where the configuration was used", got)
					}
				})
			}
		}
	}
}

// toldOf holds what an operator is told of degraded instances.
func (r *running) toldOf(t *testing.T, reason string, instances int) {
	t.Helper()
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/readyz", nil))
	line := "degraded: test: " + reason
	if lines := strings.Count(w.Body.String(), "\n"); w.Code != 200 || strings.Count(w.Body.String(), line) != instances || lines != 1+instances {
		t.Errorf("/readyz answers %d: %s\nwant %d lines %q", w.Code, w.Body, instances, line)
	}
	if got := r.metric(t, "degraded_instances", map[string]string{"plugin": "test"}); got != float64(instances) {
		t.Errorf("the metric says %v, want %d", got, instances)
	}
	if got := strings.Count(r.logs.String(), `"level":"ERROR","msg":"plugin degraded`); got != 1 {
		t.Errorf("%d log lines, want 1:\n%s", got, r.logs)
	}
}

// degradable is a plugin whose configurations go on degraded, until they are mended.
func degradable(mend *atomic.Bool, ends *atomic.Int32) Plugin {
	return plain("test", func() any {
		return &degrading{faulty: faulty{phasedConfig{func(*pdk.PDK) {}}, "", mend, ends}}
	})
}

// TestDegradedConfigurationsAreTriedAgain has something outside of a configuration
// be wrong for a while: it is what it should be once Kong starts it again, for
// everybody who has started it.
func TestDegradedConfigurationsAreTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mend atomic.Bool
		var ends atomic.Int32
		srv := pipe(t, Options{}, degradable(&mend, &ends))
		start := func() *instance { return srv.instances.start("test", []byte(`{"key":"bad"}`)) }
		inst := start()
		time.Sleep(2 * retryDegraded)
		if start() != inst || len(srv.instances.degradations()) != 1 || ends.Load() != 1 {
			t.Errorf("degraded: %v; want the same instance, degraded as before", srv.instances.degradations())
		}
		mend.Store(true)
		if start(); len(srv.instances.degradations()) != 1 {
			t.Error("tried again at once")
		}
		time.Sleep(retryDegraded)
		if start() != inst || len(srv.instances.degradations()) != 0 || inst.built.Load().err != nil {
			t.Errorf("degraded: %v; want the same instance, good", srv.instances.degradations())
		}
		if got := srv.metric(t, "degraded_instances", nil); got != 0 {
			t.Errorf("the metric says %v, want 0", got)
		}
		srv.instances.closeAll()
		if got := ends.Load(); got != 3 { // the one that was tried in vain, the first, and the good one
			t.Errorf("Close was called %d times, want 3", got)
		}
	})
}

// TestDegradedInstancesAreLoggedOnceAMinute while they are used.
func TestDegradedInstancesAreLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mend atomic.Bool
		srv := pipe(t, Options{}, plain("test", func() any { return &faulty{phasedConfig{func(*pdk.PDK) {}}, "", &mend, new(atomic.Int32)} }))
		id := srv.instances.start("test", []byte(`{"key":"bad"}`)).id
		for range 150 { // two and a half minutes
			_ = kongtest.WriteFrame(srv.far, eventCall(1, id, "access"))
			if err := kongtest.New(kongtest.Request{}).Serve(srv.far); err != nil {
				t.Fatal(err)
			}
			_, _ = kongtest.ReadFrame(srv.far)
			time.Sleep(time.Second)
		}
		if got := strings.Count(srv.logs.String(), "plugin degraded"); got != 3 {
			t.Errorf("%d log lines, want 3", got)
		}
		if got := srv.metric(t, "events_total", map[string]string{"outcome": "degraded"}); got != 150 {
			t.Errorf("events of a degraded instance = %v, want 150", got)
		}
	})
}

// TestReadyzIsBounded lists so many troubles, and counts the others.
func TestReadyzIsBounded(t *testing.T) {
	t.Parallel()
	srv, err := New(Options{}, plain("test", func() any { return &faulty{phasedConfig{nil}, "", new(atomic.Bool), new(atomic.Int32)} }))
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxTroubles + 7 {
		srv.instances.start("test", []byte(strings.Repeat(" ", i)+`{"key":`+strings.Repeat("[", i+1)))
	}
	if got := srv.troubles(); strings.Count(got, "\n") != maxTroubles+1 || !strings.HasSuffix(got, "\nand 7 more\n") {
		t.Errorf("/readyz lists %s", got)
	}
}

// TestDegradedConfigurationsAreToldOfWhileInUse: Kong closes no instance that its
// config has no more.
func TestDegradedConfigurationsAreToldOfWhileInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mend atomic.Bool
		var ends atomic.Int32
		srv := pipe(t, Options{}, degradable(&mend, &ends))
		inst := srv.instances.start("test", []byte(`{"key":"bad"}`))
		told := func(want int) {
			t.Helper()
			if lines, gauge := srv.instances.degradations(), srv.metric(t, "degraded_instances", nil); len(lines) != want || gauge != float64(want) {
				t.Errorf("told of %v, the metric says %v; want %d", lines, gauge, want)
			}
		}
		told(1)
		time.Sleep(degradedFor + time.Second)
		told(0)
		inst.used.Store(time.Now().Unix())
		told(1)
		srv.instances.closeAll()
	})
}
