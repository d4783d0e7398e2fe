package server_test

import (
	"fmt"
	"os"
	"time"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
)

type hello struct {
	Message string `json:"message" kong:"default=hi" desc:"What to say to the client."`
}

func (h *hello) Access(kong *pdk.PDK) { _ = kong.Response.SetHeader("X-Hello", h.Message) }

type audit struct {
	File string `json:"file" kong:"required" desc:"Where to write, a path."`

	out *os.File
}

// Provision is called once for each configuration, and Close after its last event.
func (a *audit) Provision() (err error) {
	a.out, err = os.OpenFile(a.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return err
}

func (a *audit) Close() error { return a.out.Close() }

func (a *audit) Log(kong *pdk.PDK) {
	if line, err := kong.Log.Serialize(); err == nil {
		_, _ = fmt.Fprintln(a.out, line)
	}
}

// The main of a program with one plugin, moved over from go-pdk: only the
// import of its package server has changed.
func ExampleStartServer() {
	err := server.StartServer(func() any { return &hello{} }, "1.0.0", 10)
	if err != nil {
		os.Exit(1)
	}
}

// The main of a program with several plugins. Started with -socket PATH, it
// serves them all there; Kong's query command for each is PROGRAM -info NAME.
func ExampleRun() {
	err := server.Run(
		pluginserver.Plugin{Name: "hello", Version: "1.0.0", Priority: 10, New: func() any { return &hello{} }},
		pluginserver.Plugin{Name: "audit", Version: "2.1.0", Priority: 5, New: func() any { return &audit{} }, Deadline: time.Second},
	)
	if err != nil {
		os.Exit(1) // the error is in the log
	}
}
