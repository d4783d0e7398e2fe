package e2e

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/identity/identitytest"
)

// TestIssuers: a token whose key is good and which says that it is another issuer's, for
// somebody else, or of another time is a 401; no service sees it, and the audit record
// tells whose key it was, and not whom the token names.
func TestIssuers(t *testing.T) {
	keys := map[string]devtoken.Key{} // by consumer
	for _, f := range identitytest.Faults(time.Now()) {
		key, err := devtoken.NewKey(devtoken.Mobile)
		if err != nil {
			t.Fatal(err)
		}
		keys[f.Consumer.Username] = key
	}
	defer useConfig(t, func(config map[string]any) { believe(t, config, keys) })()
	for _, f := range identitytest.Faults(time.Now()) {
		if f.NoGateway {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			f := retimed(&f)
			checkIssuer(t, &f, get(t, "/issuers", signedBy(t, &f.Case, keys[f.Consumer.Username])))
		})
	}
	metrics := pluginServerMetrics(t)
	for _, fault := range identity.Faults() {
		if series := fmt.Sprintf(`gatehouse_identity_refused_tokens_total{reason=%q}`, fault); !strings.Contains(metrics, series) || strings.Contains(metrics, series+" 0\n") {
			t.Errorf("the metrics do not count %s", series)
		}
	}
}

// retimed is the case as the table has it now: some cases are about seconds.
func retimed(f *identitytest.Fault) identitytest.Fault {
	for _, again := range identitytest.Faults(time.Now()) {
		if again.Name == f.Name {
			return again
		}
	}
	return *f
}

// believe adds a route to the orders service for tokens of the table's issuers, whose
// times Kong leaves to Gatehouse, and gives the table's consumers their keys.
func believe(t *testing.T, config map[string]any, keys map[string]devtoken.Key) {
	t.Helper()
	issuers, err := json.Marshal(identitytest.Issuers())
	if err != nil {
		t.Fatal(err)
	}
	var list []any
	if err := json.Unmarshal(issuers, &list); err != nil {
		t.Fatal(err)
	}
	globalSection(t, config, "tenant-rate-limit")["identity"] = map[string]any{"issuers": list}
	config["consumers"] = append(config["consumers"].([]any), map[string]any{"username": "other-app"})
	for _, entry := range config["consumers"].([]any) {
		consumer := entry.(map[string]any)
		if key, ours := keys[consumer["username"].(string)]; ours {
			consumer["jwt_secrets"] = []any{secretOf(t, key)}
		}
	}
	addOrdersService(t, config, map[string]any{
		"name": "issuers", "path": "/v2/orders",
		"routes":  []any{map[string]any{"name": "issuers", "paths": []string{"/issuers"}, "strip_path": true}},
		"plugins": []any{map[string]any{"name": "jwt", "config": map[string]any{"key_claim_name": "kid", "uri_param_names": []any{}}}},
	})
}

// secretOf is a key as Kong has it.
func secretOf(t *testing.T, key devtoken.Key) map[string]any {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return map[string]any{"key": key.ID, "algorithm": key.Method.Alg(), "rsa_public_key": string(text)}
}

func signedBy(t *testing.T, c *identitytest.Case, key devtoken.Key) string {
	t.Helper()
	token, err := key.Sign(c.Segment(c.Payload))
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

func checkIssuer(t *testing.T, f *identitytest.Fault, a answer) {
	t.Helper()
	if f.Want == "" {
		h := receivedOnce(t, services.Orders, a.wantStatus(t, http.StatusOK).traceID(t)).Header
		wantHeader(t, h, "X-Tenant-Id", "acme")
		return
	}
	a.wantStatus(t, http.StatusUnauthorized)
	var body problem.Document
	a.into(t, &body)
	if body.Type != problem.TypeInvalidToken || a.header.Get("Content-Type") != problem.ContentType || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), `Bearer error="invalid_token"`) {
		t.Errorf("headers %v, body %s", a.header, a.body)
	}
	if a.header.Get("RateLimit") != "" {
		t.Error("the answer tells of a limit, and none was asked")
	}
	id := a.header.Get("X-Kong-Request-Id")
	var records []auditRecord
	eventually(t, "an audit record of request "+id, func() bool { records = auditRecords(t, id); return len(records) > 0 })
	if r := records[0]; len(records) != 1 || r.Tenant != "" || r.Consumer != f.Consumer.Username || r.Policies["tenant-rate-limit"] != "refused" || r.Status != http.StatusUnauthorized {
		t.Errorf("audit records %+v", records)
	}
	if requests := received(t, services.Orders, a.traceID(t)); len(requests) > 0 {
		t.Errorf("the service received %+v", requests)
	}
}

// TestIssuersAsDelivered: what kong.yaml says of the sample issuers holds, and no token is
// taken from a URL.
func TestIssuersAsDelivered(t *testing.T) {
	good := map[string]any{"iss": "https://id.gatehouse.test/web", "aud": "gatehouse", "sub": "u1", "tenant": "acme"}
	for _, tt := range []struct {
		name   string
		change map[string]any
		inURL  bool
		status int
		body   string // a part of it
	}{
		{"as it is issued", nil, false, 200, ""},
		{"for somebody else", map[string]any{"aud": "someone-else"}, false, 401, problem.TypeInvalidToken},
		{"for us beside others", map[string]any{"aud": []any{"someone-else", "gatehouse"}}, false, 200, ""},
		{"of the other issuer", map[string]any{"iss": "https://id.gatehouse.test/mobile"}, false, 401, problem.TypeInvalidToken},
		{"of a list of issuers", map[string]any{"iss": []any{}}, false, 401, problem.TypeInvalidToken},
		{"in the URL", nil, true, 401, "Unauthorized"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims := map[string]any{"exp": time.Now().Add(time.Minute).Unix(), "nbf": time.Now().Add(-time.Minute).Unix()}
			for _, part := range []map[string]any{good, tt.change} {
				for name, value := range part {
					claims[name] = value
				}
			}
			header, path := "Authorization: Bearer "+signedClaims(t, claims), "/web/v1/dashboard"
			if tt.inURL {
				header, path = "Accept: */*", path+"?jwt="+strings.TrimPrefix(header, "Authorization: Bearer ")
			}
			if a := get(t, path, header).wantStatus(t, tt.status); !strings.Contains(string(a.body), tt.body) {
				t.Errorf("body %s, want %q in it", a.body, tt.body)
			}
		})
	}
}

// signedClaims is a token of the web's development key.
func signedClaims(t *testing.T, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	key, err := devtoken.DevelopmentKey(devtoken.Web)
	if err != nil {
		t.Fatal(err)
	}
	c := identitytest.Case{Payload: string(payload)}
	token, err := key.Sign(c.Segment(c.Payload))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestListForAKeysName: where Kong finds keys by iss, one that is a list is an error of
// Kong's own. Gatehouse adds none to it, and the audit record is there.
func TestListForAKeysName(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addOrdersService(t, config, map[string]any{
			"name": "by-iss", "path": "/v2/orders",
			"routes":  []any{map[string]any{"name": "by-iss", "paths": []string{"/by-iss"}, "strip_path": true}},
			"plugins": []any{map[string]any{"name": "jwt", "config": map[string]any{"key_claim_name": "iss"}}},
		})
	})()
	a := get(t, "/by-iss", "Authorization: Bearer "+signedClaims(t, map[string]any{"iss": []any{}})).wantStatus(t, http.StatusInternalServerError)
	id := a.header.Get("X-Kong-Request-Id")
	var records []auditRecord
	eventually(t, "an audit record of request "+id, func() bool { records = auditRecords(t, id); return len(records) > 0 })
	if r := records[0]; len(records) != 1 || r.Status != http.StatusInternalServerError || r.Source == "upstream" || r.Tenant != "" || r.Policies["tenant-rate-limit"] != "" {
		t.Errorf("audit records %+v", records)
	}
	for line := range strings.SplitSeq(logs(t), "\n") {
		if strings.Contains(line, id) && strings.Contains(line, `"level":"ERROR"`) && strings.Contains(line, "gatehouse") {
			t.Errorf("an error of Gatehouse's beside Kong's: %s", line)
		}
	}
}

// TestClockSkew: what Kong verifies has no tolerance, and what is left to Gatehouse has
// that of the issuer's entry.
func TestClockSkew(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		issuer := map[string]any{"consumer": "web-app", "iss": "https://id.gatehouse.test/web", "aud": []any{"gatehouse"}, "clock_skew_seconds": 60}
		globalSection(t, config, "tenant-rate-limit")["identity"] = map[string]any{"issuers": []any{issuer}}
		addOrdersService(t, config, map[string]any{
			"name": "skewed", "path": "/v2/orders",
			"routes":  []any{map[string]any{"name": "skewed", "paths": []string{"/skewed"}, "strip_path": true}},
			"plugins": []any{map[string]any{"name": "jwt", "config": map[string]any{"key_claim_name": "kid", "uri_param_names": []any{}}}},
		})
	})()
	now := time.Now()
	for _, tt := range []struct {
		name     string
		path     string
		nbf, exp time.Duration
		status   int
		body     string
	}{
		{"expired a moment ago, left to Gatehouse", "/skewed", -time.Hour, -20 * time.Second, 200, ""},
		{"expired, left to Gatehouse", "/skewed", -time.Hour, -61 * time.Second, 401, problem.TypeInvalidToken},
		{"valid in a moment, left to Gatehouse", "/skewed", 40 * time.Second, time.Hour, 200, ""},
		{"not yet valid, left to Gatehouse", "/skewed", 2 * time.Minute, time.Hour, 401, problem.TypeInvalidToken},
		{"expired a moment ago, verified by Kong", "/web/v1/dashboard", -time.Hour, -20 * time.Second, 401, "token expired"},
		{"valid in a moment, verified by Kong", "/web/v1/dashboard", 40 * time.Second, time.Hour, 401, "token not valid yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token := bearerOf(t, devtoken.Web, devtoken.Claims{Tenant: "acme", User: "u1", NotBefore: now.Add(tt.nbf), Expires: now.Add(tt.exp)})
			if a := get(t, tt.path, token).wantStatus(t, tt.status); !strings.Contains(string(a.body), tt.body) {
				t.Errorf("body %s, want %q in it", a.body, tt.body)
			}
		})
	}
}
