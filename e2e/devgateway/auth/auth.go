// Package auth has the access phases of Kong's jwt, key-auth and acl plugins
// (kong/plugins at 3.9.1), with the same answers.
package auth

import (
	"fmt"
	"net/http"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// Access is the access phase of a bundled plugin. An error is what Kong would
// throw: it ends in a 500.
type Access func(x *exchange.Exchange) error

// New returns the access phase of a bundled plugin with its configuration.
func New(p *config.Plugin) (Access, error) {
	switch p.Name {
	case config.JWTName:
		var c jwtConfig
		return c.access, p.Decode(&c)
	case config.KeyAuthName:
		var c keyAuthConfig
		return c.access, p.Decode(&c)
	case config.ACLName:
		var c aclConfig
		return c.access, p.Decode(&c)
	default:
		return nil, fmt.Errorf("no bundled plugin %q", p.Name)
	}
}

// The headers that tell an upstream who calls.
const (
	headerConsumerID           = "X-Consumer-ID"
	headerConsumerCustomID     = "X-Consumer-Custom-ID"
	headerConsumerUsername     = "X-Consumer-Username"
	headerCredentialIdentifier = "X-Credential-Identifier"
	headerAnonymous            = "X-Anonymous-Consumer"
	headerConsumerGroups       = "X-Consumer-Groups"
)

// authenticate makes the consumer known to later plugins and to the upstream,
// and removes what the client said of itself. identifier is what the upstream
// gets to know of the credential.
func authenticate(x *exchange.Exchange, c *config.Consumer, cred *exchange.Credential, identifier string) {
	x.Consumer, x.Credential = c, cred
	for name, value := range map[string]string{
		headerConsumerID:           c.ID,
		headerConsumerCustomID:     c.CustomID,
		headerConsumerUsername:     c.Username,
		headerCredentialIdentifier: identifier,
		headerAnonymous:            "",
	} {
		if value == "" {
			x.ClearRequestHeader(name)
		} else {
			x.SetRequestHeader(name, value)
		}
	}
}

// standIn makes a consumer known that nobody was authenticated as.
func standIn(x *exchange.Exchange, name string) error {
	consumer := x.Config.Consumer(name)
	if consumer == nil {
		return fmt.Errorf("anonymous: no consumer %q", name)
	}
	authenticate(x, consumer, nil, "")
	x.SetRequestHeader(headerAnonymous, "true")
	return nil
}

func wwwAuthenticate(value string) http.Header { return http.Header{"Www-Authenticate": {value}} }
