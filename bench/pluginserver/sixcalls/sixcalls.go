// Package sixcalls is the plugin that both servers serve: what a typical access
// handler does, two reads and four writes, or nothing.
package sixcalls

import "github.com/Kong/go-pdk"

// Version and Priority are what Kong would be told.
const (
	Version  = "1.0.0"
	Priority = 10
)

// Config says whether the handler makes its calls.
type Config struct {
	Idle bool `json:"idle"`
}

// New is the constructor that go-pdk asks for.
func New() any { return &Config{} }

// Access makes six calls, unless it is to be idle.
func (c *Config) Access(kong *pdk.PDK) {
	if c.Idle {
		return
	}
	_, _ = kong.Request.GetPath()
	_, _ = kong.Request.GetHeader("authorization")
	_ = kong.ServiceRequest.SetHeader("X-Tenant-Id", "acme")
	_ = kong.ServiceRequest.SetHeader("X-User-Id", "u1")
	_ = kong.Response.SetHeader("RateLimit", "limit=10")
	_ = kong.Ctx.SetShared("tenant", "acme")
}
