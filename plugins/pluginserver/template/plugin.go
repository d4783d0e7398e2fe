package main

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/Kong/go-pdk"
)

// Config is what an operator writes under config in kong.yaml. Kong checks it by the tags.
type Config struct {
	Header  string   `json:"header" kong:"default=X-Client,shape=header_name" desc:"Header in which clients say who they are."`
	Clients []string `json:"clients" kong:"required,len_min=1" desc:"Clients that may pass."`
}

// New returns a new configuration.
func New() any { return new(Config) }

// Access lets known clients pass, and tells the service which one it is.
func (c *Config) Access(kong *pdk.PDK) {
	client, err := kong.Request.GetHeader(c.Header)
	if err != nil {
		_ = kong.Log.Err("read ", c.Header, ": ", err.Error())
		refuse(kong, http.StatusInternalServerError, "who asks could not be read")
		return
	}
	if !slices.Contains(c.Clients, client) {
		refuse(kong, http.StatusForbidden, "say who you are in the header "+c.Header)
		return
	}
	_ = kong.ServiceRequest.SetHeader("X-Known-Client", client)
}

// refuse answers in the service's place (RFC 9457). Nothing may be asked of Kong after it.
func refuse(kong *pdk.PDK, status int, detail string) {
	body, err := json.Marshal(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
	if err != nil {
		return // of a map of strings and numbers there is none
	}
	kong.Response.Exit(status, body, map[string][]string{"Content-Type": {"application/problem+json"}})
}
