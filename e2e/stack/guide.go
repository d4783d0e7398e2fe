package stack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// Guide returns requests to paste into a shell, each with a line that says what to look at,
// for a gateway at base that runs the declarative config, with tokens that the auth service
// issues, whose control port is at auth. Without a config it is the repository's.
func Guide(ctx context.Context, base, auth string, config []byte) (string, error) {
	requests, err := requestsFor(config)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, client := range []devtoken.Client{devtoken.Web, devtoken.Mobile} {
		variable := strings.ToUpper(string(client))
		if !slices.ContainsFunc(requests, func(r guideRequest) bool { return strings.Contains(r.command, "$"+variable) }) {
			continue
		}
		token, err := devtoken.Ask(ctx, auth, client, devtoken.Claims{Tenant: "acme", User: "u1"})
		if err != nil {
			return "", fmt.Errorf("get a token for the guide: %w", err)
		}
		fmt.Fprintf(&text, "%s=%s\n", variable, token)
	}
	if len(requests) == 0 {
		text.WriteString("# There is no route in this config: every request is a 404.\n")
	}
	for _, request := range requests {
		fmt.Fprintf(&text, "\n# %s\n%s\n", request.look, strings.ReplaceAll(request.command, "BASE", base))
	}
	return text.String(), nil
}

// requestsFor are requests for the routes of a config: those of guideRequests that it has
// all for, and one for each route that none of those is for.
func requestsFor(config []byte) (requests []guideRequest, err error) {
	if config == nil {
		return guideRequests, nil
	}
	routes, err := guideRoutes(config)
	if err != nil {
		return nil, err
	}
	shown := map[string]bool{}
	for _, r := range guideRequests {
		needed := routes.withPaths(r.paths)
		if len(needed) != len(r.paths) || slices.ContainsFunc(needed, func(route guideRoute) bool { return !route.shows(r) }) {
			continue
		}
		requests = append(requests, r)
		for _, route := range needed {
			shown[route.path] = true
		}
	}
	for _, route := range routes {
		if !shown[route.path] && len(requests) < maxRequests {
			requests = append(requests, route.request())
		}
	}
	return requests, nil
}

// maxRequests bounds a guide: more is no help.
const maxRequests = 20

// guideRequest is a request, with what a config needs for it to answer as it says: routes at
// the paths, on each of them the plugin, and there the credential.
type guideRequest struct {
	look, command string
	paths         []string
	plugin        string // empty: any
	credential    string // $WEB, $MOBILE or a key; empty: none is sent
}

const (
	sunset, limits, scrub, jwt = "sunset-headers", "tenant-rate-limit", "pii-log-scrub", "jwt"
	globex, initech            = "dev-only-globex-2026-09", "dev-only-initech-2026-10"
)

var guideRequests = []guideRequest{
	{
		"Four services in one response; RateLimit, RateLimit-Policy and the trace id in the headers.",
		`curl -i BASE/web/v1/dashboard -H "Authorization: Bearer $WEB"`,
		[]string{"/web/v1/dashboard"}, limits, "$WEB",
	},
	{
		"The same person on a phone: fewer fields, fewer bytes.",
		`curl -i BASE/mobile/v1/home -H "Authorization: Bearer $MOBILE"`,
		[]string{"/mobile/v1/home"}, "", "$MOBILE",
	},
	{
		"Paged: take next_cursor into ?cursor=.",
		`curl -i "BASE/mobile/v1/orders?limit=5" -H "Authorization: Bearer $MOBILE"`,
		[]string{"/mobile/v1/orders"}, "", "$MOBILE",
	},
	{
		"A deprecated version: Deprecation, Sunset and Link.",
		`curl -i BASE/partner/v1/orders -H "apikey: ` + globex + `"`,
		[]string{"/partner/v1/orders"}, sunset, globex,
	},
	{
		"Its successor, by path and by media type: none of them.",
		`curl -i BASE/partner/v2/orders -H "apikey: ` + globex + `"
curl -i BASE/partner/orders -H "apikey: ` + globex + `" -H "Accept: application/vnd.gatehouse.v2+json"`,
		[]string{"/partner/v2/orders", "/partner/orders"}, "", globex,
	},
	{
		"No token: refused by Kong's jwt plugin, traced and logged all the same.",
		`curl -i BASE/web/v1/dashboard`,
		[]string{"/web/v1/dashboard"}, jwt, "",
	},
	{
		"Personal data in a query: the log line has neither the address nor the card number.",
		`curl -i "BASE/web/v1/dashboard?email=joe@example.com&card=4111111111111111" -H "Authorization: Bearer $WEB"`,
		[]string{"/web/v1/dashboard"}, scrub, "$WEB",
	},
	{
		"Beyond the tenant's limit: 429, problem+json, Retry-After. Another tenant goes on.",
		`curl -s -o /dev/null -w '%{http_code} ' "BASE/partner/v2/orders?[1-40]" -H "apikey: ` + initech + `"; echo
curl -i BASE/partner/v2/orders -H "apikey: ` + initech + `"`,
		[]string{"/partner/v2/orders"}, limits, initech,
	},
}
