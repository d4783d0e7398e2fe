// Package config reads Kong's declarative configuration, as far as the dev
// gateway supports it, and refuses the rest by name.
package config

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// DefaultWorkspace is the id of the one workspace of a DB-less Kong.
const DefaultWorkspace = "0dc6f45b-8f8d-40d2-a504-473544ee190b"

// Config is a whole configuration, with references resolved. It is immutable.
type Config struct {
	Upstreams []*Upstream
	Routes    []*Route
	Plugins   []*Plugin
	Entities  Entities

	jwtSecrets map[string]*JWTSecret
	keys       map[string]*KeyAuth
	consumers  map[string]*Consumer // by id and by username

	serverCertificates map[string]*tls.Certificate // by SNI, in lower case
}

// ServerCertificate finds what to show to a client that names a server, or returns nil.
func (c *Config) ServerCertificate(sni string) *tls.Certificate {
	return c.serverCertificates[strings.ToLower(sni)]
}

// Consumer finds a consumer by its id or its username, or returns nil.
func (c *Config) Consumer(name string) *Consumer { return c.consumers[name] }

// JWTSecret finds a JWT credential by its key, or returns nil.
func (c *Config) JWTSecret(key string) *JWTSecret { return c.jwtSecrets[key] }

// APIKey finds a key-auth credential by its key, or returns nil.
func (c *Config) APIKey(key string) *KeyAuth { return c.keys[key] }

// Meta is what every entity has. The JSON of an entity is what Kong's log
// serializer writes of it.
type Meta struct {
	ID        string   `json:"id"`
	CreatedAt int64    `json:"created_at"`
	UpdatedAt int64    `json:"updated_at"`
	Tags      []string `json:"tags,omitempty"`
}

// Service is where requests go. Timeouts are in milliseconds.
type Service struct {
	Meta
	Name           string `json:"name,omitempty"`
	Protocol       string `json:"protocol"`
	Host           string `json:"host"`
	Port           int    `json:"port"`
	Path           string `json:"path,omitempty"`
	Retries        int    `json:"retries"`
	ConnectTimeout int    `json:"connect_timeout"`
	WriteTimeout   int    `json:"write_timeout"`
	ReadTimeout    int    `json:"read_timeout"`
	Enabled        bool   `json:"enabled"`
	Workspace      string `json:"ws_id"`

	ClientCertificate *Ref     `json:"client_certificate,omitempty"`
	TLSVerify         *bool    `json:"tls_verify,omitempty"`
	TLSVerifyDepth    *int     `json:"tls_verify_depth,omitempty"`
	CACertificates    []string `json:"ca_certificates,omitempty"`

	Upstream *Upstream    `json:"-"` // that Host names, or one for Host alone
	TLS      *UpstreamTLS `json:"-"` // nil for plain HTTP
}

// Ref is a foreign key.
type Ref struct {
	ID string `json:"id"`
}

// Route says which requests go to a service. What the dev gateway does not
// support has Kong's default.
type Route struct {
	Meta
	Name                    string              `json:"name,omitempty"`
	Protocols               []string            `json:"protocols"`
	Methods                 []string            `json:"methods,omitempty"`
	Paths                   []string            `json:"paths,omitempty"` // one
	Headers                 map[string][]string `json:"headers,omitempty"`
	HTTPSRedirectStatusCode int                 `json:"https_redirect_status_code"`
	RegexPriority           int                 `json:"regex_priority"`
	StripPath               bool                `json:"strip_path"`
	PreserveHost            bool                `json:"preserve_host"`
	RequestBuffering        bool                `json:"request_buffering"`
	ResponseBuffering       bool                `json:"response_buffering"`
	PathHandling            string              `json:"path_handling"`
	ServiceRef              Ref                 `json:"service"`
	Workspace               string              `json:"ws_id"`

	Service *Service `json:"-"`
}

// Target is the address behind an upstream's name.
type Target struct {
	Host string // as the configuration has it: a name, or an address
	Port int
	IP   string // empty for a name that is to be looked up

	HostHeader string // its upstream's; may be empty
}

// ServerName is the name that the target's certificate is to have.
func (t *Target) ServerName() string { return cmp.Or(t.HostHeader, t.Host) }

// Consumer is who calls.
type Consumer struct {
	Meta
	Username string `json:"username,omitempty"`
	CustomID string `json:"custom_id,omitempty"`

	Groups []string `json:"-"` // of its ACLs, in their order
}

// JWTSecret is a consumer's key for the jwt plugin.
type JWTSecret struct {
	Meta
	Key          string `json:"key"`
	RSAPublicKey string `json:"rsa_public_key"`
	Algorithm    string `json:"algorithm"`

	PublicKey crypto.PublicKey `json:"-"` // RSAPublicKey, which is another kind of key if Algorithm says so
	Consumer  *Consumer        `json:"-"`
}

// KeyAuth is a consumer's key for the key-auth plugin.
type KeyAuth struct {
	Meta
	Key string `json:"key"`

	Consumer *Consumer `json:"-"`
}

// Plugin is a plugin with its configuration, and where it applies: to a route, to
// a service, or everywhere if both ids are empty.
type Plugin struct {
	Meta
	Name   string         `json:"name"`
	Config map[string]any `json:"config"` // with defaults, without nulls

	RouteID   string `json:"-"`
	ServiceID string `json:"-"`

	Info *schema.Info `json:"-"` // nil for a bundled plugin
}
