// Command hello is a stock plugin for go-pdk's server of which one line has changed: the
// import of package server.
package main

import (
	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/server"
)

// Config is what an operator writes.
type Config struct {
	Greeting string `json:"greeting"`
}

// New returns a new configuration.
func New() any { return &Config{} }

// Access greets who says its name.
func (c *Config) Access(kong *pdk.PDK) {
	name, err := kong.Request.GetHeader("X-Name")
	if err != nil {
		_ = kong.Log.Err("read X-Name: ", err.Error())
		return
	}
	_ = kong.Response.SetHeader("X-Greeting", c.Greeting+", "+name)
}

func main() { server.StartServer(New, "1.0.0", 10) }
