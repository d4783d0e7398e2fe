// Package sixcalls is the plugin that both servers serve: what a typical access
// handler does, two reads and four writes, or nothing.
package sixcalls

import (
	"time"

	"github.com/Kong/go-pdk"
)

// Version and Priority are what Kong would be told.
const (
	Version  = "1.0.0"
	Priority = 10
)

// Config says whether the access handler makes its calls, or waits in their place, and
// how long the log handler waits.
type Config struct {
	Idle      bool `json:"idle"`
	WaitMS    int  `json:"wait_ms"`
	LogWaitMS int  `json:"log_wait_ms"`
}

// New is the constructor that go-pdk asks for.
func New() any { return &Config{} }

// Log waits, if it is to.
func (c *Config) Log(*pdk.PDK) {
	if c.LogWaitMS > 0 {
		time.Sleep(time.Duration(c.LogWaitMS) * time.Millisecond)
	}
}

// Access makes six calls, unless it is to be idle or to wait.
func (c *Config) Access(kong *pdk.PDK) {
	if c.WaitMS > 0 {
		time.Sleep(time.Duration(c.WaitMS) * time.Millisecond)
		return
	}
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
