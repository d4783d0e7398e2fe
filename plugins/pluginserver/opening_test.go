package pluginserver

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/Kong/go-pdk"
	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"

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
	if len(b) < frameHead {
		return nil, nil, false
	}
	n := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	if len(b) < frameHead+n {
		return nil, nil, false
	}
	return b[frameHead : frameHead+n], b[frameHead+n:], true
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

// letters are variables that are constant in these tests.
var letters = []string{"a", "b", "c", "d"}

// TestOpenings runs events one after the other and looks at how their calls
// arrive.
func TestOpenings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		scripts []script
		groups  [][]string
		unused  float64
	}{
		"from the third on, reads come together": {
			[]script{{"a", "b", "c", "set"}, {"a", "b", "c", "set"}, {"a", "b", "c", "set"}},
			[][]string{{"a", "b", "c", "set"}, {"a", "b", "c", "set"}, {"a,b,c", "set"}}, 0,
		},
		"only those before the first call of another kind": {
			[]script{{"a", "set", "b", "c"}, {"a", "set", "b", "c"}, {"a", "set", "b", "c"}},
			[][]string{{"a", "set,b", "c", ""}, {"a", "set,b", "c", ""}, {"a", "set,b", "c", ""}}, 0,
		},
		"what the handler does not make is dropped": {
			[]script{{"a", "b", "c"}, {"a", "b", "c"}, {"a", "x", "set", "y"}, {"a", "b", "c"}, {"a", "x"}},
			[][]string{{"a", "b", "c", ""}, {"a", "b", "c", ""}, {"a,b,c", "x", "set,y", ""}, {"a", "b", "c", ""}, {"a", "x", ""}}, 2,
		},
		"an event that makes none": {
			[]script{{"a", "b"}, {"a", "b"}, {}, {"a", "b"}},
			[][]string{{"a", "b", ""}, {"a", "b", ""}, {""}, {"a", "b", ""}}, 0,
		},
		"an event that stops early": {
			[]script{{"a", "b", "c"}, {"a", "b", "c"}, {"a"}, {"a", "b", "c"}, {"a", "b", "c"}, {"a", "b", "c"}},
			[][]string{{"a", "b", "c", ""}, {"a", "b", "c", ""}, {"a,b,c", ""}, {"a", "b", "c", ""}, {"a", "b", "c", ""}, {"a,b,c", ""}}, 2,
		},
		"what changes while the handler runs": {
			[]script{{"a", "request_time", "b"}, {"a", "request_time", "b"}, {"a", "request_time", "b"}, {"a", "request_time", "b"}},
			[][]string{{"a", "request_time", "b", ""}, {"a", "request_time", "b", ""}, {"a", "request_time", "b", ""}, {"a", "request_time", "b", ""}}, 0,
		},
		"what is like a constant, but none": {
			[]script{{"a", "http"}, {"a", "http"}, {"a", "http"}}, [][]string{{"a", "http", ""}, {"a", "http", ""}, {"a", "http", ""}}, 0,
		},
		"facts of the request": {
			[]script{{"http_x_a", "remote_addr", "arg_b"}, {"http_x_a", "remote_addr", "arg_b"}, {"http_x_a", "remote_addr", "arg_b"}},
			[][]string{{"http_x_a", "remote_addr", "arg_b", ""}, {"http_x_a", "remote_addr", "arg_b", ""}, {"http_x_a,remote_addr,arg_b", ""}}, 0,
		},
		"another order": {
			[]script{{"a", "b"}, {"a", "b"}, {"b", "a"}},
			[][]string{{"a", "b", ""}, {"a", "b", ""}, {"b", "a", ""}}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := make(chan script, 1)
			srv := serve(t, Options{ConstantVars: letters}, accessPlugin(func(kong *pdk.PDK) { (<-next).run(t, kong) }))
			id := srv.mustStart(t, "test", nil)
			kong := &readingKong{conn: dial(t, srv.path)}
			for i, s := range tt.scripts {
				next <- s
				kong.event(t, id)
				want := slices.DeleteFunc(slices.Clone(tt.groups[i]), func(g string) bool { return g == "" })
				got := slices.DeleteFunc(kong.groups, func(g string) bool { return g == "" })
				if !slices.Equal(got, want) {
					t.Errorf("event %d, %v: calls arrive as %q, want %q", i, s, got, want)
				}
			}
			if got := srv.metric(t, "pdk_calls_unused_total", nil); got != tt.unused {
				t.Errorf("pdk_calls_unused_total = %v, want %v", got, tt.unused)
			}
		})
	}
}

// An exit ends the connection: what was sent ahead must not break it.
func TestExitAfterAnOpening(t *testing.T) {
	t.Parallel()
	next := make(chan script, 1)
	srv := serve(t, Options{ConstantVars: letters}, accessPlugin(func(kong *pdk.PDK) { (<-next).run(t, kong) }))
	id := srv.mustStart(t, "test", nil)
	for _, s := range []script{{"a", "b"}, {"a", "b"}, {"a", "exit"}, {"a", "b"}} {
		kong := &readingKong{conn: dial(t, srv.path)}
		next <- s
		if exited := kong.event(t, id); exited != slices.Contains(s, "exit") {
			t.Errorf("%v: exited %v", s, exited)
		}
	}
}

// Whatever events do, every read gets its own answer.
func TestOpeningsOfAnyEvents(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	ops := []string{"a", "b", "c", "d", "set"}
	scripts := make([]script, 6)
	for i := range scripts {
		for range random.IntN(6) {
			scripts[i] = append(scripts[i], ops[random.IntN(len(ops))])
		}
	}
	next := make(chan script, 1)
	srv := serve(t, Options{ConstantVars: letters}, accessPlugin(func(kong *pdk.PDK) { (<-next).run(t, kong) }))
	id := srv.mustStart(t, "test", nil)
	kong := &readingKong{conn: dial(t, srv.path)}
	for range 500 {
		s := scripts[random.IntN(len(scripts))]
		for range 1 + random.IntN(3) {
			next <- s
			kong.event(t, id)
		}
	}
}

func TestOpeningIsBounded(t *testing.T) {
	t.Parallel()
	var many script
	for i := range 3 * openingCalls {
		many = append(many, fmt.Sprint("http_", i))
	}
	long := script{"http_" + strings.Repeat("x", openingBytes), "http_a", "http_b"}
	for name, s := range map[string]script{"calls": many, "bytes": long} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, Options{}, accessPlugin(func(kong *pdk.PDK) { s.run(t, kong) }))
			id := srv.mustStart(t, "test", nil)
			kong := &readingKong{conn: dial(t, srv.path)}
			for range 4 {
				kong.event(t, id)
			}
			if got := strings.Count(kong.groups[0], ",") + 1; got > openingCalls || len(kong.groups[0]) > 2*openingBytes {
				t.Errorf("%d calls came first, want at most %d", got, openingCalls)
			}
		})
	}
}
