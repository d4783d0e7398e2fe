package auth

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

type aclConfig struct {
	Allow            []string `json:"allow"`
	HideGroupsHeader bool     `json:"hide_groups_header"`
}

func (c *aclConfig) access(x *exchange.Exchange) error {
	if x.Consumer == nil {
		x.Fail(http.StatusUnauthorized, "", nil)
		return nil
	}
	groups := x.Consumer.Groups
	if !slices.ContainsFunc(c.Allow, func(g string) bool { return slices.Contains(groups, g) }) {
		x.Fail(http.StatusForbidden, "You cannot consume this service", nil)
		return nil
	}
	if !c.HideGroupsHeader {
		x.SetRequestHeader(headerConsumerGroups, strings.Join(groups, ", "))
	}
	return nil
}
