package pluginserver_test

import (
	"fmt"

	"github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

type hello struct {
	Message string `json:"message" kong:"default=hi" desc:"What to say to the client."`
}

func (h *hello) Access(kong *pdk.PDK) { _ = kong.Response.SetHeader("X-Hello", h.Message) }

func ExampleInfo() {
	info, err := pluginserver.Info(pluginserver.Plugin{Name: "hello", Version: "1.0.0", Priority: 10, New: func() any { return &hello{} }})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", info)
	// Output:
	// {"Protocol":"ProtoBuf:1","SocketPath":"","Plugins":[{"Name":"hello","Phases":["access"],"Version":"1.0.0","Priority":10,"Schema":{"name":"hello","fields":[{"config":{"type":"record","required":true,"fields":[{"message":{"type":"string","description":"What to say to the client.","default":"hi"}}]}}]}}]}
}
