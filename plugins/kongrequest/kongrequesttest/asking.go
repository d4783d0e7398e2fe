package kongrequesttest

import (
	"github.com/Kong/go-pdk/entities"

	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// Asking is req, asked by whoever the case says, behind Kong's auth plugins.
func Asking(req kongtest.Request, c *identitytest.Case) kongtest.Request {
	req.Shared, req.CredentialID = nil, c.CredentialID
	if token := c.Token(); token != "" {
		req.Shared = map[string]any{"authenticated_jwt_token": token}
	}
	if c.Consumer.ID != "" {
		req.Consumer = &entities.Consumer{Id: c.Consumer.ID, Username: c.Consumer.Username, CustomId: c.Consumer.CustomID}
	}
	return req
}
