package pluginserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Kong/go-pdk"
	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// readingKong answers every nginx variable with its name, and records in which
// groups calls arrive: those of one write are one group.
type readingKong struct {
	conn   net.Conn
	groups []string // the names, with commas between
}

// event runs an event and returns whether the plugin answered the client.
func (k *readingKong) event(t *testing.T, id int32) (exited bool) {
	t.Helper()
	k.groups = nil
	if err := kongtest.WriteFrame(k.conn, eventCall(1, id, "access")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	var pending []byte
	for {
		n, err := k.conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, buf[:n]...)
		group, rest, ended, exits := k.answer(t, pending)
		pending = rest
		k.groups = append(k.groups, strings.Join(group, ","))
		if ended || exits {
			return exits
		}
	}
}

// answer answers the whole calls in what was read.
func (k *readingKong) answer(t *testing.T, read []byte) (group []string, rest []byte, ended, exits bool) {
	t.Helper()
	for {
		method, args, after, ok := wholeCall(read)
		if !ok {
			return group, read, false, false
		}
		read = after
		switch string(method) {
		case "":
			return group, nil, true, false
		case exitCall:
			return append(group, "exit"), nil, false, true
		case "kong.nginx.get_var":
			var v kpp.String
			if err := proto.Unmarshal(args, &v); err != nil {
				t.Fatal(err)
			}
			group = append(group, v.V)
			reply, err := proto.Marshal(&kpp.ByteString{V: []byte(v.V)})
			if err != nil {
				t.Fatal(err)
			}
			_ = kongtest.WriteFrame(k.conn, reply)
		default:
			group = append(group, "set")
			_ = kongtest.WriteFrame(k.conn, nil)
		}
	}
}

// wholeCall takes a method frame and an argument frame off b; the end of an event
// is an empty method and the return.
func wholeCall(b []byte) (method, args, rest []byte, ok bool) {
	if method, b, ok = wholeFrame(b); !ok {
		return nil, nil, nil, false
	}
	args, rest, ok = wholeFrame(b)
	return method, args, rest, ok
}

func wholeFrame(b []byte) (data, rest []byte, ok bool) {
	if len(b) < protocol.HeadSize {
		return nil, nil, false
	}
	n := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	if len(b) < protocol.HeadSize+n {
		return nil, nil, false
	}
	return b[protocol.HeadSize : protocol.HeadSize+n], b[protocol.HeadSize+n:], true
}

// script is what a handler does: reads by the variable's name, "set", or "exit".
type script []string

func (s script) run(t *testing.T, kong *pdk.PDK) {
	for _, op := range s {
		switch op {
		case "set":
			_ = kong.Response.SetHeader("X-A", "b")
		case "exit":
			kong.Response.ExitStatus(204)
			return
		default:
			if got, err := kong.Nginx.GetVar(op); got != op || err != nil {
				t.Errorf("%v: variable %s is %q, %v", s, op, got, err)
			}
		}
	}
}

// prefetchConfig is a funcConfig that declares reads of variables.
type prefetchConfig struct {
	funcConfig
	declared [][2]string
}

func (c *prefetchConfig) Prefetch(phase string) [][2]string {
	if phase != "access" {
		return nil
	}
	return c.declared
}

func variables(names ...string) (reads [][2]string) {
	for _, name := range names {
		reads = append(reads, [2]string{"kong.nginx.get_var", name})
	}
	return reads
}

// prefetching is an access plugin that declares reads.
func prefetching(handler func(*pdk.PDK), declared [][2]string) Plugin {
	return plain("test", func() any {
		return &prefetchConfig{funcConfig: funcConfig{access: handler, log: handler}, declared: declared}
	})
}

// TestPrefetch looks at how the calls of an event arrive at a plugin that declares a, b
// and c.
func TestPrefetch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script script
		groups []string
	}{
		"all in order":                        {script{"a", "b", "c", "set"}, []string{"a,b,c", "set"}},
		"all in another order":                {script{"c", "a", "b", "set"}, []string{"a,b,c", "set"}},
		"some":                                {script{"b", "set"}, []string{"a,b,c", "set"}},
		"the first only":                      {script{"a"}, []string{"a,b,c"}},
		"none":                                {script{"x", "set"}, []string{"x", "set"}},
		"nothing":                             {script{}, nil},
		"after others":                        {script{"x", "set", "b", "a"}, []string{"x", "set,a,b,c"}},
		"another call in between":             {script{"a", "x", "c", "b"}, []string{"a,b,c", "x"}},
		"a write in between":                  {script{"a", "set", "c", "x", "b"}, []string{"a,b,c", "set,x"}},
		"one twice":                           {script{"a", "a", "b", "b", "set"}, []string{"a,b,c", "a", "b", "set"}},
		"one twice, before those not read":    {script{"b", "b", "a", "c", "c"}, []string{"a,b,c", "b", "c"}},
		"those not read before others behind": {script{"a", "x", "y", "set", "z"}, []string{"a,b,c", "x", "y", "set,z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{}, prefetching(func(kong *pdk.PDK) { tt.script.run(t, kong) }, variables("a", "b", "c", "a")))
			id := srv.mustStart(t, "test", nil)
			kong := &readingKong{conn: dial(t, srv.path)}
			for i := range 3 {
				kong.event(t, id)
				got := slices.DeleteFunc(kong.groups, func(g string) bool { return g == "" })
				if !slices.Equal(got, tt.groups) {
					t.Errorf("event %d, %v: calls arrive as %q, want %q", i, tt.script, got, tt.groups)
				}
			}
			_ = srv.stop()
			if logs := srv.logs.String(); logs != "" {
				t.Errorf("logged: %s", logs)
			}
		})
	}
}

// An exit ends the connection: what was asked for before must not break it.
func TestExitAfterPrefetch(t *testing.T) {
	t.Parallel()
	next := make(chan script, 1)
	srv := serve(t, Options{}, prefetching(func(kong *pdk.PDK) { (<-next).run(t, kong) }, variables("a", "b")))
	id := srv.mustStart(t, "test", nil)
	for _, s := range []script{{"a", "exit"}, {"a", "b"}, {"b", "set", "exit"}, {"exit"}, {"b"}} {
		kong := &readingKong{conn: dial(t, srv.path)}
		next <- s
		if exited := kong.event(t, id); exited != slices.Contains(s, "exit") {
			t.Errorf("%v: exited %v", s, exited)
		}
	}
}

// Whatever events do, and whatever is declared, every read gets its own answer.
func TestPrefetchOfAnyEvents(t *testing.T) {
	t.Parallel()
	ops := []string{"a", "b", "c", "d", "set"}
	for _, declared := range [][]string{nil, {"a", "b"}, {"d", "b", "a"}, {"a", "b", "c", "d"}, {"x", "y", "d"}} {
		t.Run(strings.Join(declared, ""), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			next := make(chan script, 1)
			srv := serve(t, Options{}, prefetching(func(kong *pdk.PDK) { (<-next).run(t, kong) }, variables(declared...)))
			id := srv.mustStart(t, "test", nil)
			kong := &readingKong{conn: dial(t, srv.path)}
			for range 500 {
				s := make(script, random.IntN(8))
				for i := range s {
					s[i] = ops[random.IntN(len(ops))]
				}
				next <- s
				kong.event(t, id)
			}
		})
	}
}

// On the connection with declared reads every call has the result that it has on
// go-pdk's own bridge.
func TestEveryCallWithPrefetchAsOnThePlainBridge(t *testing.T) {
	t.Parallel()
	declared := [][2]string{
		{"kong.request.get_raw_body"}, {"kong.client.get_consumer"}, {"kong.router.get_route"}, {"kong.nginx.get_var", "v"},
		{"kong.request.get_path"}, {"kong.client.get_ip"}, {"kong.router.get_service"}, {"kong.log.serialize"},
	}
	var wantResults, gotResults []string
	want := kongtest.Run(t, everyCall(&wantResults), fullRequest)
	got, _, err := onSessionOf(t, prefetching(everyCall(&gotResults), declared), fullRequest, Options{})
	if !errors.Is(err, kongtest.ErrExit) {
		t.Fatalf("the event ended with %v, want an exit", err)
	}
	if diff := cmp.Diff(wantResults, gotResults); diff != "" {
		t.Errorf("results (-plain bridge +this connection):\n%s", diff)
	}
	got.Calls, want.Calls = nil, nil // the order differs
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effects (-plain bridge +this connection):\n%s", diff)
	}
}

// A handler that is cut off, or panics, leaves replies to its declared calls behind: the
// connection's next event must not take them for its own.
func TestPrefetchOfAHandlerThatFails(t *testing.T) {
	t.Parallel()
	declared := [][2]string{{"kong.client.get_ip"}, {"kong.request.get_path"}, {"kong.request.get_host"}}
	for name, fail := range map[string]func(){
		"cut off": func() { time.Sleep(time.Minute) },
		"panics":  func() { panic("oh no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := timed(prefetching(func(kong *pdk.PDK) {
					if path, err := kong.Request.GetPath(); path == "/bad" || err != nil { // get_ip is kept, get_host not read
						fail()
						return
					}
					host, _ := kong.Request.GetHost()
					ip, _ := kong.Client.GetIp()
					_ = kong.Response.SetHeader("X", host+" "+ip)
				}, declared))
				p.FailOpen = true
				srv := pipe(t, Options{}, p)
				for _, path := range []string{"/bad", "/good", "/bad", "/good"} {
					effects, err := srv.run(t, "access", kongtest.Request{Path: path, Host: "h", ClientIP: "10.0.0.1"})
					want := map[string]string{"/good": "h 10.0.0.1"}[path]
					if got := effects.Response.Headers.Get("X"); err != nil || got != want {
						t.Errorf("%s: %q, %v; want %q", path, got, err, want)
					}
				}
			})
		})
	}
}

func TestPrefetchIsBounded(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 3 * maxPrefetch {
		many = append(many, fmt.Sprint("http_", i))
	}
	for name, reads := range map[string][]string{
		"calls": many,
		"bytes": {"http_a", "http_" + strings.Repeat("x", maxPrefetchBytes), "http_b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{}, prefetching(func(kong *pdk.PDK) { script(reads).run(t, kong) }, variables(reads...)))
			id := srv.mustStart(t, "test", nil)
			kong := &readingKong{conn: dial(t, srv.path)}
			kong.event(t, id)
			if got := strings.Count(kong.groups[0], ",") + 1; got < 2 || got > maxPrefetch || len(kong.groups[0]) > maxPrefetchBytes {
				t.Errorf("%d calls came first, want 2 to %d", got, maxPrefetch)
			}
		})
	}
}

// A reply that is too large is the handler's that asks for it, and nobody else's.
func TestLargeRepliesToPrefetch(t *testing.T) {
	t.Parallel()
	declared := [][2]string{{"kong.request.get_raw_body"}, {"kong.request.get_path"}}
	body := func(kong *pdk.PDK, size int) error {
		got, err := kong.Request.GetRawBody()
		if err == nil && len(got) != size {
			err = fmt.Errorf("the body has %d bytes", len(got))
		}
		return err
	}
	for name, tt := range map[string]struct {
		size    int
		handler func(*pdk.PDK, int) error
		err     error
		calls   int
	}{
		"read at once":        {maxKept + 1, body, nil, 2},
		"too large to keep":   {maxKept + 1, func(kong *pdk.PDK, n int) error { _, _ = kong.Request.GetPath(); return body(kong, n) }, nil, 4},
		"kept":                {maxKept - 8, func(kong *pdk.PDK, n int) error { _, _ = kong.Request.GetPath(); return body(kong, n) }, nil, 3},
		"over the limit":      {1 << 20, body, protocol.ErrTooLarge, 2},
		"over it, and later":  {1 << 20, func(kong *pdk.PDK, n int) error { _, _ = kong.Request.GetPath(); return body(kong, n) }, protocol.ErrTooLarge, 4},
		"over it, not wanted": {1 << 20, func(kong *pdk.PDK, _ int) error { _, err := kong.Request.GetPath(); return err }, nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			effects, _, err := onSessionOf(t, prefetching(func(kong *pdk.PDK) {
				if err := tt.handler(kong, tt.size); !errors.Is(err, tt.err) {
					t.Errorf("the body: %v, want %v", err, tt.err)
				}
				if path, err := kong.Request.GetPath(); path != "/p" || err != nil {
					t.Errorf("the path: %q, %v", path, err)
				}
			}, declared), kongtest.Request{Path: "/p", Body: make([]byte, tt.size)}, Options{MaxFrame: 1 << 19})
			if err != nil || len(effects.Calls) != tt.calls {
				t.Errorf("%d calls, %v; want %d", len(effects.Calls), err, tt.calls)
			}
		})
	}
}

// What is declared must read: anything else would be done without the handler.
func TestDeclaringWhatDoesNotRead(t *testing.T) {
	t.Parallel()
	for name, read := range map[string][2]string{
		"an exit":    {exitCall},
		"a write":    {"kong.response.set_header", "X"},
		"an unknown": {"kong.request.get_everything"},
		"not text":   {"kong.nginx.get_var", "\xff"},
		"no number":  {"kong.request.get_headers", "all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p, err := encodePrefetch([][2]string{{"kong.request.get_path"}, {"kong.client.get_ip"}, read}); err == nil {
				t.Errorf("accepted as %q", p.frames)
			}
		})
	}
}

// An event with declared reads that are read in order allocates no more than others.
func TestAllocationsOfPrefetch(t *testing.T) {
	var frames []byte
	for range 2 {
		frames = protocol.AppendFrame(frames, sameReply)
	}
	run := func(declared [][2]string) float64 {
		conn := &replayConn{replies: frames}
		event := eventOfPlugin(t, conn, prefetching(func(kong *pdk.PDK) {
			_, _ = kong.Request.GetPath()
			_, _ = kong.Nginx.GetVar("a")
		}, declared))
		return testing.AllocsPerRun(1000, event)
	}
	plain, declared := run(nil), run([][2]string{{"kong.request.get_path"}, {"kong.nginx.get_var", "a"}})
	if declared > plain {
		t.Errorf("%v allocations with declared reads, %v without", declared, plain)
	}
}

// replayConn replies the same to each event.
type replayConn struct {
	discardConn
	replies []byte
	at      int
}

func (c *replayConn) Read(p []byte) (int, error) {
	n := copy(p, c.replies[c.at:])
	c.at = (c.at + n) % len(c.replies)
	return n, nil
}
