package pluginserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(stockEnv) {
	case "go-pdk":
		err = gopdk.StartServer(newStock, "0.2", 1)
	case "gatehouse":
		err = StartServer(newStock, "0.2", 1)
	case "run":
		err = Run(Plugin{Name: "first", Version: "1.0.0", New: newStock}, Plugin{Name: "second", Version: "1.0.0", New: newStock})
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
}

func newStock() any { return &plainConfig{} }

// Every phase makes every PDK call, unless Message asks for others.
func (c *plainConfig) Certificate(kong *pdk.PDK) { c.calls(kong) }
func (c *plainConfig) Rewrite(kong *pdk.PDK)     { c.calls(kong) }
func (c *plainConfig) Access(kong *pdk.PDK)      { c.calls(kong) }
func (c *plainConfig) Response(kong *pdk.PDK)    { c.calls(kong) }
func (c *plainConfig) Preread(kong *pdk.PDK)     { c.calls(kong) }
func (c *plainConfig) Log(kong *pdk.PDK)         { c.calls(kong) }

func (c *plainConfig) calls(kong *pdk.PDK) {
	switch c.Message {
	case "exit":
		kong.Response.Exit(403, []byte("no"), map[string][]string{"X": {"y"}})
		return
	case "none":
		return
	case "six":
		sixCalls(kong)
		return
	}
	var results []any
	for _, part := range []any{
		kong.Client, kong.Ctx, kong.Log, kong.Nginx, kong.Request, kong.Response, kong.Router,
		kong.IP, kong.Node, kong.Service, kong.ServiceRequest, kong.ServiceResponse,
	} {
		callAll(part, &results)
	}
	_ = kong.Ctx.SetShared("config", fmt.Sprintf("%s %d %v %v %v", c.Message, c.Count, c.Headers, c.Nested, results))
}

// stockProcess starts a stock plugin on a server and waits for its socket.
func stockProcess(t testing.TB, server string) (socket string, cmd *exec.Cmd) {
	t.Helper()
	prefix, err := os.MkdirTemp("", "gh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(prefix) })
	cmd = stockCommand(t, server, "-kong-prefix", prefix)
	if server == "gatehouse" {
		cmd.Args = append(cmd.Args, "-deadline", "1m") // so that a slow machine fails no test
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	socket = filepath.Join(prefix, filepath.Base(os.Args[0])+".socket")
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
			return socket, cmd
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

// frames runs a phase as Kong does and records every frame that Kong gets.
func frames(t *testing.T, socket string, phase, config string) (got [][]byte, exited bool) {
	t.Helper()
	client := kongtest.NewClient(socket)
	defer func() { _ = client.Close() }()
	name := strings.TrimSuffix(filepath.Base(socket), ".socket")
	id, err := client.StartInstance(name, []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = kongtest.WriteFrame(conn, eventCall(77, id, phase))
	kong := kongtest.New(fullRequest)
	for {
		method, err := kongtest.ReadFrame(conn)
		if err != nil {
			t.Fatalf("%s: %v after %d frames", phase, err, len(got))
		}
		if got = append(got, method); len(method) == 0 {
			break
		}
		args, err := kongtest.ReadFrame(conn)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, args)
		reply, err := kong.Answer(string(method), args)
		if errors.Is(err, kongtest.ErrExit) {
			return got, true
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = kongtest.WriteFrame(conn, reply)
	}
	ret, err := kongtest.ReadFrame(conn)
	if err != nil {
		t.Fatal(err)
	}
	return append(got, ret), false
}

// TestSameBytesAsGoPDK has one stock plugin make every PDK call in every phase,
// on go-pdk's own server and on this one. Kong must get the same.
func TestSameBytesAsGoPDK(t *testing.T) {
	t.Parallel()
	theirs, _ := stockProcess(t, "go-pdk")
	ours, _ := stockProcess(t, "gatehouse")
	const config = `{"message":"hi","count":3,"ratio":1.5,"on":true,"headers":{"a":"b"},"nested":{"names":["x"]},"__seq__":%d}`
	for i, phase := range phaseNames {
		for _, message := range []string{"hi", "exit"} {
			config := fmt.Sprintf(strings.Replace(config, "hi", message, 1), 100*i+len(message))
			want, wantExit := frames(t, theirs, phase, config)
			got, gotExit := frames(t, ours, phase, config)
			if wantExit != gotExit || wantExit != (message == "exit") || len(want) < 2 {
				t.Fatalf("%s %s: exited %v, on go-pdk's server %v, %d frames", phase, message, gotExit, wantExit, len(want))
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(sameBytes)); diff != "" {
				t.Errorf("%s %s: frames (-go-pdk's server +this one):\n%s", phase, message, diff)
			}
		}
	}
}

// sameBytes compares frames. Messages of maps and the addresses that %v prints
// have no fixed order or value: their bytes are compared sorted, and not.
func sameBytes(a, b []byte) bool {
	if bytes.Contains(a, []byte("0x")) && bytes.Contains(b, []byte("0x")) {
		return len(a) == len(b)
	}
	a, b = bytes.Clone(a), bytes.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return bytes.Equal(a, b)
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
	var exit *exec.ExitError
	out, err := stockCommand(t, "gatehouse", "-help").CombinedOutput()
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !bytes.Contains(out, []byte("-kong-prefix")) {
		t.Errorf("-help: %v, want exit code 2 as from go-pdk's; printed %s", err, out)
	}
}

func TestStockProcessEndsInOrder(t *testing.T) {
	t.Parallel()
	socket, cmd := stockProcess(t, "gatehouse")
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("socket: %v, %v; want mode 0660", info, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is still there")
	}
}
