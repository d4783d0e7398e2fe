package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Kong/go-pdk"
	gopdk "github.com/Kong/go-pdk/server"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// asks is a configuration whose handler asks Kong for something.
type asks struct{}

func (*asks) Access(kong *pdk.PDK) { _, _ = kong.Request.GetPath() }

func newAsks() any { return &asks{} }

// endings are mains of programs that are told to end.
var endings = map[string]func() error{
	"stock":        func() error { return StartServer(newAsks, "1.0.0", 1) },
	"stock go-pdk": func() error { return gopdk.StartServer(newAsks, "1.0.0", 1) },
	"waits for SIGINT": func() error {
		go func() { _ = StartServer(newAsks, "1.0.0", 1) }()
		waitFor(syscall.SIGINT)
		return nil
	},
	"waits for SIGINT go-pdk": func() error {
		go func() { _ = gopdk.StartServer(newAsks, "1.0.0", 1) }()
		waitFor(syscall.SIGINT)
		return nil
	},
	"waits for SIGINT, Run": func() error {
		go func() { _ = Run(pluginserver.Plugin{Name: "asks", Version: "1.0.0", New: newAsks}) }()
		waitFor(syscall.SIGINT)
		return nil
	},
	"waits for its server": func() error {
		ended := make(chan error, 1)
		go func() { ended <- StartServer(newAsks, "1.0.0", 1) }()
		err := <-ended
		fmt.Println("flushed", err)
		os.Exit(7)
		return nil
	},
	"takes its time": func() error {
		err := StartServer(newAsks, "1.0.0", 1)
		time.Sleep(lastWords + lastWords/4) // a flush that takes longer than one in the background may
		fmt.Println("flushed", err)
		return nil
	},
}

func waitFor(s os.Signal) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, s)
	<-interrupted
}

// TestEnd tells programs to end while a handler waits for Kong. Kong's answer comes only
// then, and an event of ours ends in order.
func TestEnd(t *testing.T) {
	t.Parallel()
	const drained, killed = true, false
	for _, tt := range []struct {
		main   string
		signal syscall.Signal
		want   string // how the process ends
		out    string
		event  bool // ends in order
	}{
		{"stock", syscall.SIGTERM, "exit status 0", "", drained},
		{"stock", syscall.SIGINT, "exit status 0", "", drained},
		{"stock", syscall.SIGQUIT, "exit status 2", "", killed},
		{"stock", syscall.SIGHUP, "signal: hangup", "", killed},
		{"stock go-pdk", syscall.SIGTERM, "signal: terminated", "", killed},
		{"stock go-pdk", syscall.SIGINT, "signal: interrupt", "", killed},
		{"stock go-pdk", syscall.SIGQUIT, "exit status 2", "", killed},
		{"stock go-pdk", syscall.SIGHUP, "signal: hangup", "", killed},
		{"waits for SIGINT", syscall.SIGTERM, "exit status 0", "", drained},
		{"waits for SIGINT go-pdk", syscall.SIGTERM, "signal: terminated", "", killed},
		{"waits for SIGINT, Run", syscall.SIGTERM, "exit status 0", "", drained},
		{"waits for its server", syscall.SIGTERM, "exit status 7", "flushed <nil>\n", drained},
		{"takes its time", syscall.SIGTERM, "exit status 0", "flushed <nil>\n", drained},
	} {
		t.Run(tt.main+", "+tt.signal.String(), func(t *testing.T) {
			t.Parallel()
			if signal.Ignored(tt.signal) {
				t.Skip("left out: this process ignores the signal, as under nohup, and what it starts does")
			}
			p := startMain(t, tt.main)
			id, err := p.client.StartInstance(p.plugin, map[string]any{"__seq__": 1})
			if err != nil {
				t.Fatal(err)
			}
			err = p.client.Event(id, "access", &signaller{t: t, process: p.cmd.Process, signal: tt.signal, dies: tt.event == killed})
			if (err == nil) != tt.event {
				t.Errorf("the event under way: %v", err)
			}
			_ = p.client.Close()
			_ = p.cmd.Wait()
			if got := p.cmd.ProcessState.String(); got != tt.want || p.out.String() != tt.out {
				t.Errorf("ended by %q and printed %q, want %q and %q", got, p.out.String(), tt.want, tt.out)
			}
			if _, err := os.Stat(p.socket); tt.event == drained && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is still there: %v", err)
			}
		})
	}
}

// signaller is a Kong that has the plugin server told to end before it answers.
type signaller struct {
	t       *testing.T
	process *os.Process
	signal  syscall.Signal
	dies    bool // of the signal
}

func (s *signaller) Answer(method string, args []byte) ([]byte, error) {
	if err := s.process.Signal(s.signal); err != nil {
		s.t.Error(err)
	}
	if s.dies {
		return nil, errors.New("there is nobody to answer")
	}
	return kongtest.New(kongtest.Request{}).Answer(method, args)
}

// program is a running main.
type program struct {
	cmd            *exec.Cmd
	out            *bytes.Buffer
	plugin, socket string
	client         *kongtest.Client
}

// startMain starts a main and waits until it listens.
func startMain(t *testing.T, main string) *program {
	t.Helper()
	prefix, err := os.MkdirTemp("", "gh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(prefix) })
	p := &program{out: new(bytes.Buffer), plugin: filepath.Base(os.Args[0])}
	p.socket = filepath.Join(prefix, p.plugin+".socket")
	args := []string{"-kong-prefix", prefix}
	if strings.HasSuffix(main, "Run") {
		p.plugin, args = "asks", []string{"-socket", p.socket}
	}
	p.cmd = mainCommand(t, main, args...)
	p.cmd.Stdout = p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.client = kongtest.NewClient(p.socket)
	for t.Context().Err() == nil {
		conn, err := net.Dial("unix", p.socket)
		if err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	return p
}

// TestEndWithoutASocket has servers that cannot start, and one that is no more than asked.
func TestEndWithoutASocket(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		main string
		args []string
		want string // exit status
		says string
	}{
		{"waits for SIGINT", []string{"-socket", "/nowhere/at/all"}, "exit status 1", "/nowhere/at/all"},
		{"stock", []string{"-socket", "/nowhere/at/all"}, "exit status 1", "/nowhere/at/all"}, // as its main says
		{"waits for SIGINT", []string{"-dump"}, "exit status 0", `"Plugins":[{"Name":`},
		{"takes its time", []string{"-dump"}, "exit status 0", `"Plugins":[{"Name":`},
	} {
		cmd := mainCommand(t, tt.main, tt.args...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.String(); got != tt.want || !strings.Contains(string(out), tt.says) {
			t.Errorf("%s %v ended by %q, want %q, and said\n%s", tt.main, tt.args, got, tt.want, out)
		}
	}
}

type unfit struct {
	Limit int    `json:"limit" kong:"between=9|1"`
	Name  string `json:"name" kong:"len_min=x"`
}

func (*unfit) Access(*pdk.PDK) {}

func newUnfit() any { return &unfit{} }

// refusedPlugins are those of mains that ignore what Run returns.
var refusedPlugins = map[string]pluginserver.Plugin{
	`plugin p: version "dev" has no number`:                   {Name: "p", Version: "dev", New: newConfig},
	`plugin p: version "1.2.3.4" has 4 numbers`:               {Name: "p", Version: "1.2.3.4", New: newConfig},
	`plugin p: version "1..2" lacks a number`:                 {Name: "p", Version: "1..2", New: newConfig},
	`plugin p: version "" has no number`:                      {Name: "p", New: newConfig},
	`plugin name "my plugin": use letters`:                    {Name: "my plugin", Version: "1.0.0", New: newConfig},
	`plugin name "bundled": it is a word of Kong's`:           {Name: "bundled", Version: "1.0.0", New: newConfig},
	`plugin p: priority 9223372036854775807: use a number`:    {Name: "p", Version: "1.0.0", Priority: math.MaxInt, New: newConfig},
	`plugin p: New panics: no database: it is called once`:    {Name: "p", Version: "1.0.0", New: func() any { panic("no database") }},
	`plugin p: New returns server.config: return a pointer`:   {Name: "p", Version: "1.0.0", New: func() any { return config{} }},
	`plugin p: unfit.Name: `:                                  {Name: "p", Version: "1.0.0", New: newUnfit},
	`plugin p: *struct {} handles no phase: give it a method`: {Name: "p", Version: "1.0.0", New: func() any { return new(struct{}) }},
}

// TestRefused asks for the info of plugins that Kong does not load. Their mains ignore the
// error. It is on standard error for people, and on standard output in the one form that
// Kong shows: JSON that is no table.
func TestRefused(t *testing.T) {
	t.Parallel()
	for want := range refusedPlugins {
		for _, query := range [][]string{{"-dump"}, {"-info", "p"}} {
			cmd := mainCommand(t, want, query...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			var said string
			if jsonErr := json.Unmarshal(out, &said); jsonErr != nil || !strings.Contains(said, want) {
				t.Errorf("%v says %q, %v; want a JSON string with %q", query, out, jsonErr, want)
			}
			if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), want) || strings.Contains(stderr.String(), "goroutine") {
				t.Errorf("%v: %v, standard error has\n%s\nwant code 1 and %q", query, err, &stderr, want)
			}
		}
	}
}

// TestRefusedInFull has every mistake of every plugin in a line of its own.
func TestRefusedInFull(t *testing.T) {
	t.Parallel()
	_, err := pluginserver.New(pluginserver.Options{},
		pluginserver.Plugin{Name: "a", Version: "dev", Priority: math.MinInt, New: newUnfit},
		pluginserver.Plugin{Name: "b", Version: "v", New: nil})
	var lines []string
	for line := range strings.SplitSeq(fmt.Sprint(err), "\n") {
		about, _, _ := strings.Cut(line, ": ")
		lines = append(lines, about)
	}
	if got := strings.Join(lines, ", "); got != "plugin a, plugin a, plugin a, plugin a, plugin b, plugin b" {
		t.Errorf("lines are about %s:\n%v", got, err)
	}
}
