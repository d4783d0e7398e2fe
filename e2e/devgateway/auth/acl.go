package auth

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

type aclConfig struct {
	Allow            []string `json:"allow"`
	Deny             []string `json:"deny"`
	HideGroupsHeader bool     `json:"hide_groups_header"`
}

func (c *aclConfig) access(x *exchange.Exchange) error {
	const forbidden = "You cannot consume this service"
	if x.Consumer == nil {
		if x.Credential != nil {
			x.Fail(http.StatusForbidden, forbidden, nil)
		} else {
			x.Fail(http.StatusUnauthorized, "", nil)
		}
		return nil
	}
	groups := x.Consumer.Groups
	if len(c.Deny) == 0 && len(groups) == 0 {
		if x.Credential != nil {
			x.Fail(http.StatusForbidden, forbidden, nil)
		} else {
			x.Fail(http.StatusUnauthorized, "", nil)
		}
		return nil
	}
	if c.blocks(groups) {
		x.Fail(http.StatusForbidden, forbidden, nil)
		return nil
	}
	if !c.HideGroupsHeader {
		x.SetRequestHeader(headerConsumerGroups, strings.Join(groups, ", "))
	}
	return nil
}

func (c *aclConfig) blocks(groups []string) bool {
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(g string) bool { return slices.Contains(groups, g) })
	}
	if len(c.Deny) > 0 {
		return in(c.Deny)
	}
	return !in(c.Allow)
}
