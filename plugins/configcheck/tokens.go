package configcheck

import (
	"fmt"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// credentialsInURLs finds auth plugins that take a credential from a URL.
func (p *pass) credentialsInURLs() {
	for _, plugin := range p.config.Plugins {
		uriParams, written := plugin.Config()["uri_param_names"].([]any)
		switch {
		case plugin.Name() == "key-auth" && plugin.Config()["key_in_query"] != false:
			p.found(plugin.Entity, at("config", "key_in_query"), "it is true, Kong's default: a key in a URL is in the logs and histories of all that it passes", "set it to false")
		case plugin.Name() == "jwt" && (!written || len(uriParams) > 0):
			p.found(plugin.Entity, at("config", "uri_param_names"), "it is not [], and Kong's default is [jwt]: a token in a URL is in the logs and histories of all that it passes", "set it to []")
		}
	}
}

// tokenIssuers finds what believes tokens whoever they are for: a jwt plugin, or the limiter
// of one consumer, which Kong runs in the place of one that lists issuers.
func (p *pass) tokenIssuers() {
	holders := p.tokenHolders()
	found := map[*gateway.Plugin]bool{}
	once := func(plugin *gateway.Plugin, what, fix string) {
		if !found[plugin] {
			found[plugin] = true
			p.found(plugin.Entity, nil, what, fix)
		}
	}
	for _, r := range p.config.Routes {
		jwt := p.config.On(r, nil, "jwt")
		if jwt == nil {
			continue
		}
		if !p.saysWhose(r, nil) {
			once(jwt, "tokens are believed whoever they are for and, where key_claim_name is kid, whoever they say they are from",
				"list issuers under identity of tenant-rate-limit (gatehouse: tenant_rate_limit.identity)")
			continue
		}
		for _, consumer := range holders {
			if p.saysWhose(r, consumer) {
				continue
			}
			for _, name := range limiters {
				if own := p.config.On(r, consumer, name); own != nil && own.Consumer != nil {
					once(own, "it is run for this consumer in the place of the one that lists issuers, and it lists none: the consumer's tokens are believed whoever they are for",
						"list issuers here too")
				}
			}
		}
	}
}

// tokenHolders are the consumers whose keys tokens may be verified by: those that have one,
// and those of whom a list of issuers says so, since keys are in an overlay.
func (p *pass) tokenHolders() (holders []*gateway.Entity) {
	add := func(consumer *gateway.Entity) {
		if consumer != nil && !slices.Contains(holders, consumer) {
			holders = append(holders, consumer)
		}
	}
	for _, secret := range p.config.All("jwt_secrets") {
		if consumer := secret.In("consumers"); consumer != nil {
			add(consumer)
		} else {
			add(p.config.Find("consumers", secret.Fields["consumer"]))
		}
	}
	for _, plugin := range p.config.Plugins {
		for _, item := range issuersOf(plugin) {
			add(p.config.Find("consumers", gateway.Map(item)["consumer"]))
		}
	}
	return holders
}

// issuersTwice finds one consumer in a list by its id and by its username.
func (p *pass) issuersTwice() {
	for _, plugin := range p.config.Plugins {
		first := map[*gateway.Entity]string{}
		for i, item := range issuersOf(plugin) {
			name, _ := gateway.Map(item)["consumer"].(string)
			consumer := p.config.Find("consumers", name)
			if before, there := first[consumer]; there && consumer != nil && before != name {
				p.found(plugin.Entity, append(issuersPath(plugin), i, "consumer"), fmt.Sprintf("%q and %q are one consumer, %s, and of one that is there twice no token is believed", name, before, consumer.Path), "take one out")
				continue
			}
			first[consumer] = name
		}
	}
}

// limiters are the plugins that compare tokens with a list of issuers.
var limiters = []string{"tenant-rate-limit", oneHop}

// saysWhose reports whether a plugin compares a consumer's tokens with a list of issuers.
func (p *pass) saysWhose(r gateway.Route, consumer *gateway.Entity) bool {
	return slices.ContainsFunc(limiters, func(name string) bool {
		on := p.config.On(r, consumer, name)
		return on != nil && len(issuersOf(on)) > 0
	})
}

// issuersOf is the list of a plugin that compares tokens with one, none of others.
func issuersOf(plugin *gateway.Plugin) []any {
	limiter, _ := limiterConfig(plugin)
	return gateway.List(gateway.Map(limiter["identity"])["issuers"])
}

func issuersPath(plugin *gateway.Plugin) []any {
	if plugin.Name() == oneHop {
		return at("config", "tenant_rate_limit", "identity", "issuers")
	}
	return at("config", "identity", "issuers")
}
