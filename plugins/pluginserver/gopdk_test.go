package pluginserver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	gopdk "github.com/Kong/go-pdk/server"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// stockEnv makes a process of the test binary a stock plugin: it has main call
// StartServer, and nothing else, as a plugin of go-pdk does.
const stockEnv = "GATEHOUSE_TEST_STOCK"

// StartServer is that of package server, which imports this one.
var StartServer func(constructor func() any, version string, priority int) error

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(stockEnv) {
	case "go-pdk":
		err = gopdk.StartServer(newStock, "0.2", 1)
	case "gatehouse":
		err = StartServer(newStock, "0.2", 1)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// plainConfig is the part of a stock plugin that go-pdk's server can serve.
type plainConfig struct {
	Message string
	Count   int               `json:"count"`
	Ratio   float64           `json:"ratio"`
	On      bool              `json:"on"`
	Headers map[string]string `json:"headers"`
	Nested  *struct {
		Names []string `json:"names"`
	} `json:"nested"`
	Call string `json:"call"` // a key of pdkCalls
	Args int    `json:"args"` // which of its arguments
}

func newStock() any { return &plainConfig{} }

func (c *plainConfig) Certificate(kong *pdk.PDK) { c.calls(kong) }
func (c *plainConfig) Rewrite(kong *pdk.PDK)     { c.calls(kong) }
func (c *plainConfig) Access(kong *pdk.PDK)      { c.calls(kong) }
func (c *plainConfig) Response(kong *pdk.PDK)    { c.calls(kong) }
func (c *plainConfig) Preread(kong *pdk.PDK)     { c.calls(kong) }
func (c *plainConfig) Log(kong *pdk.PDK)         { c.calls(kong) }

// slowness is how long a handler takes that waits for something.
const slowness = 150 * time.Millisecond

// calls makes the call that the configuration names, or else every one, and
// then one more. What it is told, a line of JSON, goes to standard output: the
// connection may be of no more use.
func (c *plainConfig) calls(kong *pdk.PDK) {
	switch c.Message {
	case "none":
		return
	case "panic":
		panic("asked for")
	case "six":
		sixCalls(kong)
		return
	case "slow":
		time.Sleep(slowness)
		return
	case "catches":
		time.Sleep(2 * slowness) // a dependency that fails
		_ = kong.Response.SetHeader("X-Fallback", "yes")
		return
	case "exits":
		kong.Response.Exit(200, bytes.Repeat([]byte("x"), c.Count), nil)
		return
	case "reads":
		body, err := kong.Request.GetRawBody()
		_ = kong.Response.SetHeader("X-Body", fmt.Sprint(len(body), err))
		return
	case "time":
		_, _ = kong.Request.GetMethod()
		time.Sleep(50 * time.Millisecond)
		took, _ := kong.Nginx.GetVar("request_time")
		_ = kong.Response.SetHeader("X-Time", took)
		return
	}
	var told []string
	if c.Call != "" {
		told = append(told, callPDK(pdkMethods(kong)[c.Call], pdkCalls[c.Call][c.Args]))
	} else {
		told = append(told, fmt.Sprintf("%s %d %v %v %v %v", c.Message, c.Count, c.Ratio, c.On, c.Headers, *c.Nested))
		everyCall(&told)(kong)
	}
	path, err := kong.Request.GetPath()
	told = append(told, fmt.Sprint(path, err != nil))
	_ = json.NewEncoder(os.Stdout).Encode(told)
}

// stockServer is a process that is a stock plugin, on one of the two servers.
type stockServer struct {
	name   string
	socket string
	cmd    *exec.Cmd
	told   *bufio.Reader // what handlers were told, a line for each event
	client *kongtest.Client
	conn   net.Conn // for events, nil after one that did not end in order
}

// stockProcess starts a stock plugin on a server and waits for its socket.
func stockProcess(t testing.TB, server string, args ...string) *stockServer {
	t.Helper()
	prefix, err := os.MkdirTemp("", "gh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(prefix) })
	cmd := stockCommand(t, server, append(args, "-kong-prefix", prefix)...)
	told, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	name := filepath.Base(os.Args[0])
	socket := filepath.Join(prefix, name+".socket")
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
			client := kongtest.NewClient(socket)
			t.Cleanup(func() { _ = client.Close() })
			return &stockServer{name: name, socket: socket, cmd: cmd, told: bufio.NewReader(told), client: client}
		}
		if cmd.ProcessState != nil || t.Context().Err() != nil {
			t.Fatalf("%s does not listen: %v", server, err)
		}
		time.Sleep(time.Millisecond)
	}
}

func stockCommand(t testing.TB, server string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), stockEnv+"="+server)
	return cmd
}

// ran is one event as Kong and the handler saw it.
type ran struct {
	Frames [][]byte // all that Kong got
	Ended  string   // how it ended for Kong, empty for in order
	Told   []string // what the handler was told
}

// run runs a phase as Kong does, on the connection of the last one if that is
// of use.
func (s *stockServer) run(t *testing.T, phase, config string) (got ran) {
	t.Helper()
	id, err := s.client.StartInstance(s.name, []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	if s.conn == nil {
		if s.conn, err = net.Dial("unix", s.socket); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.conn.SetDeadline(time.Now().Add(30 * time.Second)) // Kong's is 60 s
	_ = kongtest.WriteFrame(s.conn, eventCall(77, id, phase))
	if err := got.answer(s.conn); err != nil {
		got.Ended = err.Error()
		_ = s.conn.Close()
		s.conn = nil
	}
	line, err := s.told.ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &got.Told) != nil {
		t.Fatalf("%s of %s: the handler says %q, %v", phase, config, line, err)
	}
	return got
}

// answer is Kong's side of an event. It records every frame that Kong gets.
func (r *ran) answer(conn net.Conn) error {
	kong := kongtest.New(fullRequest)
	for {
		method, err := kongtest.ReadFrame(conn)
		if err != nil {
			return err
		}
		if r.Frames = append(r.Frames, method); len(method) == 0 {
			break
		}
		args, err := kongtest.ReadFrame(conn)
		if err != nil {
			return err
		}
		r.Frames = append(r.Frames, args)
		reply, err := kong.Answer(string(method), args)
		if err != nil {
			return err
		}
		_ = kongtest.WriteFrame(conn, reply)
	}
	ret, err := kongtest.ReadFrame(conn)
	r.Frames = append(r.Frames, ret)
	return err
}

// TestSameAsGoPDK has one stock plugin make every PDK call in every phase, all
// in one event and each in one of its own, on go-pdk's own server and on this
// one. Kong must get the same bytes, and the handler be told the same. What a
// method is called with differs in the access phase only: the phase is no part
// of a call.
//
// There is one difference. A call that Kong throws on ends the request with a
// 500 and the connection with it. Of a pipelined one the handler is told by its
// next call that is not.
func TestSameAsGoPDK(t *testing.T) {
	t.Parallel()
	theirs, ours := stockProcess(t, "go-pdk"), stockProcess(t, "gatehouse")
	sequence := 0
	compare := func(phase, config string, thrown func(*ran)) {
		sequence++
		config = fmt.Sprintf(`{"__seq__":%d,%s}`, sequence, config)
		want, got := theirs.run(t, phase, config), ours.run(t, phase, config)
		if strings.HasPrefix(want.Ended, kongtest.ErrThrown.Error()) {
			thrown(&want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s of %s (-go-pdk's server +this one):\n%s", phase, config, diff)
		}
	}
	for _, phase := range phaseNames {
		compare(phase, `"message":"hi","count":3,"ratio":1.5,"on":true,"headers":{"a":"b"},"nested":{"names":["x"]}`, func(*ran) {})
		for name, calls := range pdkCalls {
			if phase != phaseNames[access] {
				calls = calls[:1]
			}
			for i := range calls {
				compare(phase, fmt.Sprintf(`"call":%q,"args":%d`, name, i), func(want *ran) {
					if _, ok := pipelined[string(want.Frames[0])]; ok {
						want.Told[0] = "[null] 6"
					}
				})
			}
		}
	}
}

// TestSameFlagsAsGoPDK holds the command line to go-pdk's.
func TestSameFlagsAsGoPDK(t *testing.T) {
	t.Parallel()
	type dumped struct {
		Protocol, SocketPath string
		Plugins              []struct {
			Name, Version string
			Priority      int
			Phases        []string
			Schema        struct {
				Name   string
				Fields []struct {
					Config struct {
						Type   string
						Fields []map[string]map[string]any
					}
				}
			}
		}
	}
	run := func(server string) (d dumped) {
		out, err := stockCommand(t, server, "-dump", "-kong-prefix", "/elsewhere").Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &d); err != nil {
			t.Fatalf("%s -dump prints %s: %v", server, out, err)
		}
		return d
	}
	theirs, ours := run("go-pdk"), run("gatehouse")
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("-dump (-go-pdk's +ours):\n%s", diff)
	}
}

// TestStockPluginThatPanics has a request refused, as go-pdk's server does by
// dying of it, unless the operator wants it to pass.
func TestStockPluginThatPanics(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		exit int // 0 for none
	}{
		"closed": {nil, 503},
		"open":   {[]string{"-fail-open"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stock := stockProcess(t, "gatehouse", tt.args...)
			id, err := stock.client.StartInstance(stock.name, []byte(`{"message":"panic"}`))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				effects, err := stock.client.HandleEvent(id, "access", kongtest.Request{})
				if err != nil {
					t.Fatal(err)
				}
				if exit := effects.Exit; (exit != nil) != (tt.exit != 0) || exit != nil && exit.Status != tt.exit {
					t.Errorf("exit = %+v, want status %d", exit, tt.exit)
				}
			}
		})
	}
}

func TestStockProcessEndsInOrder(t *testing.T) {
	t.Parallel()
	stock := stockProcess(t, "gatehouse")
	info, err := os.Stat(stock.socket)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("socket: %v, %v; want mode 0660", info, err)
	}
	if err := stock.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := stock.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
	if _, err := os.Stat(stock.socket); err == nil {
		t.Error("the socket is still there")
	}
}
