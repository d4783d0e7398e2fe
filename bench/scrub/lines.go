package scrub

import (
	"fmt"
	"math/rand/v2"
)

// lineCount is how many different lines are read in turn: too many for a branch
// predictor to know by heart, and few enough to stay in a core's cache.
const lineCount = 512

var paths = []string{
	"/web/v1/dashboard?page=%d&limit=50&sort=created_at", "/mobile/v1/home?tab=%d", "/mobile/v1/orders/%d",
	"/partner/v2/orders?status=open&offset=%d", "/partner/v1/orders/%d/items", "/assets/app.%d.js", "/health?n=%d",
	"/web/v1/search?q=garden+chair&page=%d", "/api/v3/products/%d/reviews?rating=5&lang=en", "/graphql?op=Orders&v=%d",
}

var agents = []string{
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
	"Gatehouse/4.12.0 (iPhone; iOS 17.5.1; Scale/3.00)", "okhttp/4.12.0", "python-requests/2.32.3", "curl/8.4.0", "Go-http-client/2.0",
}

var referrers = []string{"-", "-", "-", "https://app.example.com/orders?tab=open", "https://shop.example.com/"}

// lines returns lines of Kong's access log, the same for the same seed: clean
// ones, in which nothing is to be found, and ones with two values each.
func lines(seed uint64) (clean, found [][]byte) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range lineCount {
		path := fmt.Sprintf(paths[r.IntN(len(paths))], r.IntN(1000))
		if r.IntN(4) == 0 {
			path = fmt.Sprintf("/mobile/v1/orders/%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Uint64()>>16)
		}
		clean = append(clean, line(r, "-", path))
		found = append(found, line(r, "203.0.113."+fmt.Sprint(r.IntN(256)), path+value(r, path)))
	}
	return clean, found
}

func line(r *rand.Rand, addr, path string) []byte {
	return fmt.Appendf(nil, `%s - - [24/Nov/2025:03:%02d:%02d +0000] "GET %s HTTP/1.1" 200 %d "%s" "%s" kong_request_id: "%016x%016x"`,
		addr, r.IntN(60), r.IntN(60), path, r.IntN(9999), referrers[r.IntN(len(referrers))], agents[r.IntN(len(agents))], r.Uint64(), r.Uint64())
}

// value is a query parameter with something in it that is to be found.
func value(r *rand.Rand, path string) string {
	sep := "?"
	for _, c := range path {
		if c == '?' {
			sep = "&"
		}
	}
	return sep + []string{"email=john.doe@example.com", "card=4111111111111111", "phone=%2B12125550100", "iban=DE89370400440532013000", "password=hunter2"}[r.IntN(5)]
}
