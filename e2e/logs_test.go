package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// planted are values of every kind, which no log may hold in any encoding. None
// of them stands anywhere else in the suite.
var planted = map[string]string{
	"email":      "jane.roe@example.com",
	"card":       "4012888888881881",
	"iban":       "DE89370400440532013000",
	"ssn":        "460-89-9847",
	"phone":      "+12125550147",
	"ip":         "198.51.100.23",
	"ip6":        "2001:db8:85a3::8a2e:370:7334",
	"cpf":        "529.982.247-25",
	"apikey":     "AKIAIOSFODNN7EXAMPLE",
	"password":   "hunter2-correct-horse",
	"birth_date": "1979-03-14",
	"given_name": "Ottoline",
	"assertion":  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJlLW9mLWphbmU",
	"note":       "https://jane:s3cr3t-p4ss@example.com",
}

// plantedInHeaders are secrets that only the header that they stand in tells.
var plantedInHeaders = map[string]string{
	"bearer": "s3cr3t-bearer-0815", "cookie": "s3cr3t-session-4711", "apikey": "s3cr3t-apikey-1234",
}

// encodings are the ways in which values are planted, and looked for.
var encodings = map[string]func(string) string{
	"plain":          func(s string) string { return s },
	"percent":        percentAll,
	"percent, twice": func(s string) string { return percentAll(percentAll(s)) },
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64url":      func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
}

func percentAll(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "-", "%2D") }

// plantedQuery plants all values, each in each encoding; those in base64, which hides the
// names too, as JSON.
func plantedQuery() string {
	q := "?page=2"
	for name, value := range planted {
		for encoding, encode := range encodings {
			if strings.HasPrefix(encoding, "base64") {
				q += "&state=" + url.QueryEscape(encode(object(name, value)))
				continue
			}
			q += "&" + name + "=" + strings.ReplaceAll(strings.ReplaceAll(encode(value), "+", "%2B"), " ", "%20")
		}
		q += "&filter=" + url.QueryEscape(object(name, value))
	}
	return q
}

func object(name, value string) string {
	text, err := json.Marshal(map[string]string{name: value})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// plantedHeaders plants values in headers that a client may send.
func plantedHeaders() []string {
	return []string{
		"User-Agent: reader of " + planted["email"] + " (" + planted["phone"] + ")",
		"Referer: https://shop.example/?card=" + planted["card"] + "&email=" + percentAll(planted["email"]),
		"Cookie: session=" + plantedInHeaders["cookie"] + "; mail=" + percentAll(planted["email"]),
		"X-Forwarded-For: " + planted["ip"] + ", " + planted["ip6"],
		"X-Api-Key: " + plantedInHeaders["apikey"],
		"Proxy-Authorization: Bearer " + plantedInHeaders["bearer"],
		"X-Customer: " + object("iban", planted["iban"]),
		"X-Note: her number is " + planted["ssn"] + " or " + planted["cpf"],
		"X-State: " + base64.StdEncoding.EncodeToString([]byte(object("password", planted["password"]))),
	}
}

// TestNoPersonalDataInLogs plants values of every kind in paths, queries, headers
// and cookies, for requests that pass and for those that are refused, and looks
// for them in everything that the run has logged.
func TestNoPersonalDataInLogs(t *testing.T) {
	defer useConfig(t, func(config map[string]any) {
		addFileLog(config)
		keepApart(t, config, "orders-v2")
	})()
	token := bearer(t, devtoken.Web, "acme", "u1")
	query := plantedQuery()
	path := ""
	for _, name := range []string{"email", "card", "iban", "ssn", "phone", "ip", "cpf", "apikey"} {
		path += "/" + name + "/" + planted[name] + "/" + percentAll(planted[name])
	}
	requests := []struct {
		name, path string
		headers    []string
		fault      string // of the orders service
		status     int
	}{
		{"200", "/web/v1/dashboard" + query, []string{token}, "", http.StatusOK},
		{"401", "/web/v1/dashboard" + path + query, nil, "", http.StatusUnauthorized},
		{"404", "/nowhere" + path + query, nil, "", http.StatusNotFound},
		{"502", "/partner/v2/orders" + query, []string{partnerKey}, `{"reset":true}`, http.StatusBadGateway},
	}
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			if r.fault != "" {
				fault(t, services.Orders, r.fault)
			}
			got := get(t, r.path, append(plantedHeaders(), r.headers...)...).wantStatus(t, r.status)
			id := got.header.Get("X-Kong-Request-Id")
			for _, log := range []string{"access", "audit"} {
				eventually(t, log+" line of request "+id, func() bool { return hasLine(t, `"log":"`+log+`"`, id) })
			}
			if trace := got.header.Get("X-Trace-Id"); trace != "" {
				checkClean(t, "the gateway's span", gatewaySpan(t, trace), token)
			}
		})
	}
	// nginx's own word on the 502 has the request and the upstream's address in it.
	eventually(t, "an error line about the upstream", func() bool {
		return hasLine(t, `"log":"error"`, "while reading response header from upstream")
	})
	checkClean(t, "the logs", logs(t), token)
	if gate.fileLog == "" {
		t.Log("left out: what Kong's log plugins write, which this gateway has none of") // see the tests of pii-log-scrub
		return
	}
	eventually(t, "file-log's record of each request", func() bool { return strings.Count(readFile(t, gate.fileLog), "\n") >= len(requests) })
	checkClean(t, "what file-log wrote", readFile(t, gate.fileLog), token)
}

// hasLine reports whether a line of the logs holds all words.
func hasLine(t *testing.T, words ...string) bool {
	t.Helper()
	for line := range strings.Lines(logs(t)) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			return true
		}
	}
	return false
}

// checkClean looks for every planted value, and the token, in every encoding.
func checkClean(t *testing.T, where, text, token string) {
	t.Helper()
	values := map[string]string{"token": strings.TrimPrefix(token, "Authorization: Bearer ")}
	for name, value := range planted {
		values[name] = value
		values[name+" in an object"] = object(name, value)
	}
	for name, value := range plantedInHeaders {
		values[name+" in a header"] = value
	}
	for name, value := range values {
		for encoding, encode := range encodings {
			if i := strings.Index(text, encode(value)); i >= 0 {
				t.Errorf("%s: %s, %s: …%s…", where, name, encoding, text[max(0, i-200):min(len(text), i+len(value)+100)])
			}
		}
	}
}

// gatewaySpan is all that the receiver knows of the gateway's own span.
func gatewaySpan(t *testing.T, traceID string) string {
	t.Helper()
	for _, span := range spans(t, traceID, 1) {
		if span.Service == "kong" {
			text, err := json.Marshal(span)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	return ""
}

// keepApart has a service use connections that no test before has kept: Kong keeps them by
// the id of the client's certificate, too. nginx tries one that is kept after the other,
// and if each is reset, one request is enough to take all targets out.
func keepApart(t *testing.T, config map[string]any, name string) {
	t.Helper()
	own := map[string]any{"id": uuid.NewString()}
	for _, s := range config["services"].([]any) {
		service := s.(map[string]any)
		if service["name"] != name {
			continue
		}
		id := service["client_certificate"].(map[string]any)["id"]
		for _, c := range config["certificates"].([]any) {
			if certificate := c.(map[string]any); certificate["id"] == id {
				own["cert"], own["key"] = certificate["cert"], certificate["key"]
			}
		}
		service["client_certificate"] = map[string]any{"id": own["id"]}
	}
	if own["cert"] == nil {
		t.Fatalf("the config has no service %s with a certificate", name)
	}
	config["certificates"] = append(config["certificates"].([]any), own)
}

// addFileLog adds that plugin to a config where the gateway has it.
func addFileLog(config map[string]any) {
	if gate.fileLog == "" {
		return
	}
	config["plugins"] = append(config["plugins"].([]any), map[string]any{
		"name": "file-log", "config": map[string]any{"path": filepath.ToSlash(gate.fileLog), "reopen": true},
	})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}
