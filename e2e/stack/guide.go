package stack

import (
	"context"
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// Guide returns requests to paste into a shell, each with a line that says what to
// look at, for a gateway at base that has the repository's kong.yaml, with tokens that the
// auth service issues, whose control port is at auth.
func Guide(ctx context.Context, base, auth string) (string, error) {
	var text strings.Builder
	for _, client := range []devtoken.Client{devtoken.Web, devtoken.Mobile} {
		token, err := devtoken.Ask(ctx, auth, client, devtoken.Claims{Tenant: "acme", User: "u1"})
		if err != nil {
			return "", fmt.Errorf("get a token for the guide: %w", err)
		}
		fmt.Fprintf(&text, "%s=%s\n", strings.ToUpper(string(client)), token)
	}
	for _, request := range guideRequests {
		fmt.Fprintf(&text, "\n# %s\n%s\n", request.look, strings.ReplaceAll(request.command, "BASE", base))
	}
	return text.String(), nil
}

var guideRequests = []struct{ look, command string }{
	{
		"Four services in one response; RateLimit, RateLimit-Policy and the trace id in the headers.",
		`curl -i BASE/web/v1/dashboard -H "Authorization: Bearer $WEB"`,
	},
	{
		"The same person on a phone: fewer fields, fewer bytes.",
		`curl -i BASE/mobile/v1/home -H "Authorization: Bearer $MOBILE"`,
	},
	{
		"Paged: take next_cursor into ?cursor=.",
		`curl -i "BASE/mobile/v1/orders?limit=5" -H "Authorization: Bearer $MOBILE"`,
	},
	{
		"A deprecated version: Deprecation, Sunset and Link.",
		`curl -i BASE/partner/v1/orders -H "apikey: dev-only-globex-2026-09"`,
	},
	{
		"Its successor, by path and by media type: none of them.",
		`curl -i BASE/partner/v2/orders -H "apikey: dev-only-globex-2026-09"
curl -i BASE/partner/orders -H "apikey: dev-only-globex-2026-09" -H "Accept: application/vnd.gatehouse.v2+json"`,
	},
	{
		"No token: refused by Kong's jwt plugin, traced and logged all the same.",
		`curl -i BASE/web/v1/dashboard`,
	},
	{
		"Personal data in a query: the log line has neither the address nor the card number.",
		`curl -i "BASE/web/v1/dashboard?email=joe@example.com&card=4111111111111111" -H "Authorization: Bearer $WEB"`,
	},
	{
		"Beyond the tenant's limit: 429, problem+json, Retry-After. Another tenant goes on.",
		`for i in $(seq 1 40); do curl -s -o /dev/null -w '%{http_code} ' BASE/partner/v2/orders -H "apikey: dev-only-initech-2026-10"; done; echo
curl -i BASE/partner/v2/orders -H "apikey: dev-only-initech-2026-10"`,
	},
}
