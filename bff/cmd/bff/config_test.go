package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/golden"
	"github.com/gatehousehq/gatehouse/internal/mtls"
)

func env(pairs ...string) func(string) string {
	values := make(map[string]string)
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

// zeroKey is a key of 32 zero bytes.
const zeroKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func TestParse(t *testing.T) {
	t.Parallel()
	defaults := func(edit func(*config)) config {
		c := config{
			kind: kinds["web"], addr: "127.0.0.1:8081", statusAddr: "127.0.0.1:8181", tls: mtls.Settings{Insecure: true}, budget: 1500 * time.Millisecond, reserve: 100 * time.Millisecond, maxInFlight: 256, logLevel: "info",
			services: map[string]string{
				"orders": "https://127.0.0.1:9101", "users": "https://127.0.0.1:9102",
				"billing": "https://127.0.0.1:9103", "notifications": "https://127.0.0.1:9104",
			},
		}
		edit(&c)
		return c
	}
	for name, tc := range map[string]struct {
		args []string
		env  []string
		want config
	}{
		"defaults of web": {[]string{"web"}, nil, defaults(func(*config) {})},
		"defaults of mobile": {[]string{"mobile"}, nil, defaults(func(c *config) {
			c.kind, c.addr, c.statusAddr = kinds["mobile"], "127.0.0.1:8082", "127.0.0.1:8182"
			c.cursorKeys = [][]byte{bytes.Repeat([]byte{0}, 32)}
		})},
		"its own port only": {[]string{"web"}, []string{"WEB_BFF_PORT=1", "MOBILE_BFF_PORT=2"}, defaults(func(c *config) { c.addr = "127.0.0.1:1" })},
		"address over port": {[]string{"web"}, []string{"WEB_BFF_PORT=1", "BFF_ADDR=:8081"}, defaults(func(c *config) { c.addr = ":8081" })},
		"status address":    {[]string{"web"}, []string{"WEB_BFF_STATUS_PORT=1", "BFF_STATUS_ADDR=:8181"}, defaults(func(c *config) { c.statusAddr = ":8181" })},
		"its own status":    {[]string{"web"}, []string{"WEB_BFF_STATUS_PORT=1", "MOBILE_BFF_STATUS_PORT=2"}, defaults(func(c *config) { c.statusAddr = "127.0.0.1:1" })},
		"services":          {[]string{"web"}, []string{"ORDERS_URL=https://orders/api"}, defaults(func(c *config) { c.services["orders"] = "https://orders/api" })},
		"times and level": {[]string{"web"}, []string{"BFF_BUDGET_MS=50", "BFF_DRAIN_DELAY_MS=60000", "BFF_LOG_LEVEL=warn"}, defaults(func(c *config) {
			c.budget, c.drainDelay, c.logLevel = 50*time.Millisecond, time.Minute, "warn"
		})},
		"bounds": {[]string{"web"}, []string{"BFF_RESERVE_MS=0", "BFF_MAX_IN_FLIGHT=1", "BFF_COALESCE=on", "BFF_HEDGE=users,billing"}, defaults(func(c *config) {
			c.reserve, c.maxInFlight, c.coalesce, c.hedged = 0, 1, true, []string{"users", "billing"}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(kinds[tc.args[0]], env(append(tc.env, "BFF_TLS=insecure", "BFF_CURSOR_KEYS="+zeroKey)...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(config{}, kind{})); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		env  []string
		code int
		says string
	}{
		"unknown BFF":     {[]string{"tv"}, nil, 2, `bff: unknown command "tv"; it is one of: completion, health, mobile, web; see bff --help`},
		"two BFFs":        {[]string{"web", "mobile"}, nil, 2, `bff web: it takes no argument "mobile"; see bff web --help`},
		"no URL":          {[]string{"health"}, nil, 2, "bff health: name one URL"},
		"port":            {[]string{"web"}, []string{"WEB_BFF_PORT=http"}, 1, `bff: WEB_BFF_PORT is "http": set it to a port, 0 to 65535, such as 8081`},
		"port too large":  {[]string{"mobile"}, []string{"MOBILE_BFF_PORT=65536"}, 1, `MOBILE_BFF_PORT is "65536"`},
		"address":         {[]string{"web"}, []string{"BFF_ADDR=8081"}, 1, `BFF_ADDR is "8081": write it as host:port`},
		"service's port":  {[]string{"web"}, []string{"USERS_URL=http://users:99999"}, 1, `bff: USERS_URL: "http://users:99999" has a port that is none: write it as http://host:port`},
		"service":         {[]string{"web"}, []string{"BILLING_URL=billing:9103"}, 1, `BILLING_URL: "billing:9103" has no http or https scheme`},
		"budget":          {[]string{"web"}, []string{"BFF_BUDGET_MS=1.5s"}, 1, `BFF_BUDGET_MS is "1.5s": set it to whole milliseconds, 50 to 30000`},
		"budget too high": {[]string{"web"}, []string{"BFF_BUDGET_MS=30001"}, 1, `BFF_BUDGET_MS is "30001"`},
		"reserve":         {[]string{"web"}, []string{"BFF_RESERVE_MS=5001"}, 1, `BFF_RESERVE_MS is "5001": set it to whole milliseconds, 0 to 5000, such as 100`},
		"in flight":       {[]string{"web"}, []string{"BFF_MAX_IN_FLIGHT=0"}, 1, `BFF_MAX_IN_FLIGHT is "0": set it to whole requests, 1 to 100000, such as 256`},
		"coalesce":        {[]string{"web"}, []string{"BFF_COALESCE=yes"}, 1, `BFF_COALESCE is "yes": set it to on or off`},
		"hedge":           {[]string{"web"}, []string{"BFF_HEDGE=users,all"}, 1, `BFF_HEDGE has "all": write names of services, with commas between them: orders,users,billing,notifications`},
		"drain delay":     {[]string{"web"}, []string{"BFF_DRAIN_DELAY_MS=-1"}, 1, `BFF_DRAIN_DELAY_MS is "-1"`},
		"heap":            {[]string{"web"}, []string{"GOGC=abc"}, 1, `bff: GOGC is "abc": set it to whole percent, such as 100, or to off`},
		"level":           {[]string{"web"}, []string{"BFF_LOG_LEVEL=loud"}, 1, `BFF_LOG_LEVEL is "loud": set it to debug, info, warn or error`},
		"no cursor key":   {[]string{"mobile"}, []string{"BFF_TLS=insecure"}, 1, "BFF_CURSOR_KEYS is not set: set it to what `openssl rand -base64 32` prints, the same in every mobile BFF, or to random"},
		"cursor key":      {[]string{"mobile"}, []string{"BFF_TLS=insecure", "BFF_CURSOR_KEYS=" + zeroKey + ",secret"}, 1, "BFF_CURSOR_KEYS: key 2 is not base64 of 32 bytes"},
		"status port":     {[]string{"web"}, []string{"WEB_BFF_STATUS_PORT=x"}, 1, `bff: WEB_BFF_STATUS_PORT is "x": set it to a port, 0 to 65535, such as 8181`},
		"no mutual TLS":   {[]string{"web"}, nil, 1, "bff: BFF_TLS_CLIENT_CA_FILE is not set: set it to the PEM file of the CAs that sign clients' certificates, or BFF_TLS=insecure"},
		"no such file":    {[]string{"web"}, []string{"BFF_ADDR=127.0.0.1:0", "BFF_TLS_CERT_FILE=/no/c", "BFF_TLS_KEY_FILE=/no/k", "BFF_TLS_CLIENT_CA_FILE=/no/a", "BFF_TLS_CLIENT_NAME=kong"}, 1, "bff: certificate file /no/c: no such file: write it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr strings.Builder
			code := run(t.Context(), tc.args, env(tc.env...), io.Discard, &stderr)
			if code != tc.code || !strings.Contains(stderr.String(), tc.says) {
				t.Errorf("exit code %d and %q, want %d and %q", code, stderr.String(), tc.code, tc.says)
			}
		})
	}
}

// TestAllMistakesAtOnce: each is a line of its own.
func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	code := run(t.Context(), []string{"mobile"}, env("MOBILE_BFF_PORT=x", "ORDERS_URL=orders", "USERS_URL=users", "BFF_BUDGET_MS=0", "BFF_HEDGE=x", "BFF_LOG_LEVEL=x"),
		io.Discard, &stderr)
	golden.Check(t, "testdata/mistakes.txt", stderr.String())
	if code != 1 {
		t.Errorf("exit code %d, want %d", code, 1)
	}
}

// TestHelp: every variable, its default, its unit and its meaning.
func TestHelp(t *testing.T) {
	t.Parallel()
	for name := range kinds {
		var stdout strings.Builder
		if code := run(t.Context(), []string{name, "--help"}, env(), &stdout, io.Discard); code != 0 {
			t.Errorf("exit code %d, want %d", code, 0)
		}
		golden.Check(t, "testdata/help-"+name+".txt", stdout.String())
	}
}

func FuzzParse(f *testing.F) {
	f.Add("8081", ":8081", "https://127.0.0.1:9101", "1500")
	f.Add("-1", "[::1]:80", "http://[", "1e3")
	f.Fuzz(func(t *testing.T, port, addr, orders, budget string) {
		cfg, err := parse(kinds["web"], env("WEB_BFF_PORT="+port, "BFF_ADDR="+addr, "ORDERS_URL="+orders, "BFF_BUDGET_MS="+budget, "BFF_TLS=insecure"))
		if err == nil && (cfg.budget < 50*time.Millisecond || cfg.budget > 30*time.Second || cfg.addr == "") {
			t.Errorf("config %+v", cfg)
		}
	})
}
