package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
	"github.com/gatehousehq/gatehouse/internal/problem"
	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// anything is a value of a header that the gateway chooses.
const anything = "*"

// routeKind is a way to be let through, and the identity headers that the service is to get
// of it, each with one value.
type routeKind struct {
	path        string
	plugins     []any
	credentials func(*testing.T) []string
	issued      map[string]string
}

func routeKinds() map[string]routeKind {
	plugin := func(name string, config map[string]any) any { return map[string]any{"name": name, "config": config} }
	acl := func(group string, hide bool) any {
		return plugin("acl", map[string]any{"allow": []string{group}, "hide_groups_header": hide})
	}
	jwt := plugin("jwt", map[string]any{"key_claim_name": "kid"})
	key := plugin("key-auth", map[string]any{"key_names": []string{"apikey"}, "hide_credentials": true})
	lenient := plugin("key-auth", map[string]any{"key_names": []string{"apikey"}, "anonymous": "nobody"})
	token := func(t *testing.T) []string {
		t.Helper()
		return []string{bearer(t, devtoken.Web, "acme", "u1")}
	}
	apiKey := func(*testing.T) []string { return []string{partnerKey} }
	none := func(*testing.T) []string { return nil }
	byToken := map[string]string{
		"X-Tenant-Id": "acme", "X-User-Id": "u1", "X-Plan": "pro",
		"X-Consumer-Id": anything, "X-Consumer-Username": "web-app", "X-Credential-Identifier": anything,
	}
	byKey := map[string]string{
		"X-Tenant-Id": "globex", "X-User-Id": "globex-crm", "X-Plan": "pro",
		"X-Consumer-Id": anything, "X-Consumer-Custom-Id": "globex", "X-Consumer-Username": "globex-crm", "X-Credential-Identifier": anything,
	}
	stoodIn := map[string]string{
		"X-Consumer-Id": anything, "X-Consumer-Username": "nobody", "X-Anonymous-Consumer": "true", "X-Consumer-Groups": "strangers",
	}
	return map[string]routeKind{
		"nobody":                  {"/headers/open", []any{}, none, nil},
		"token":                   {"/headers/jwt-plain", []any{jwt}, token, byToken},
		"token, groups hidden":    {"/headers/jwt-hidden", []any{jwt, acl("web", true)}, token, byToken},
		"token, groups told":      {"/headers/jwt-told", []any{jwt, acl("web", false)}, token, with(byToken, "X-Consumer-Groups", "web")},
		"key":                     {"/headers/key-plain", []any{key}, apiKey, byKey},
		"key, groups hidden":      {"/headers/key-hidden", []any{key, acl("partners", true)}, apiKey, byKey},
		"key, groups told":        {"/headers/key-told", []any{key, acl("partners", false)}, apiKey, with(byKey, "X-Consumer-Groups", "partners")},
		"stand-in":                {"/headers/standin", []any{lenient, acl("strangers", false)}, none, stoodIn},
		"key where it can be had": {"/headers/lenient", []any{lenient}, apiKey, byKey},
	}
}

func with(headers map[string]string, name, value string) map[string]string {
	more := map[string]string{name: value}
	for n, v := range headers {
		more[n] = v
	}
	return more
}

// claimed are the headers by which a client may claim to be somebody.
var claimed = []string{
	"X-Tenant-Id", "X-User-Id", "X-Plan", "X-Consumer-ID", "X-Consumer-Custom-ID", "X-Consumer-Username", "X-Consumer-Groups", "X-Consumer-Role",
	"X-Credential-Identifier", "X-Anonymous-Consumer", "X-Authenticated-Groups", "X-Authenticated-Scope", "X-Authenticated-UserId",
}

// spelled are lines of all claimed headers in all ways to write them with hyphens and
// underscores, as made by line.
func spelled(line func(name string) string) (lines []string) {
	for _, name := range claimed {
		names := []string{""}
		for i, word := range strings.Split(name, "-") {
			var longer []string
			for _, begun := range names {
				for _, dash := range []string{"-", "_"} {
					longer = append(longer, strings.TrimLeft(begun+dash+word, "-_"))
				}
				if i == 0 {
					longer = longer[:1]
				}
			}
			names = longer
		}
		for _, n := range names {
			lines = append(lines, line(n))
		}
	}
	return lines
}

// hyphened are lines of all claimed headers as they are commonly written.
func hyphened(line func(name string) string) (lines []string) {
	for _, name := range claimed {
		lines = append(lines, line(name))
	}
	return lines
}

func forge(name string) string { return name + ": forged" }

func repeat(n int, line string) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(line, i))
	}
	return lines
}

// rawRequest is a request as it is written, and what is to become of it.
type rawRequest struct {
	name  string
	lines []string
	// version is HTTP/1.1 unless it says something else.
	version string
	// refused is the header that a 400 is to name. Without one the request is served, or,
	// with orNot, may be refused as well.
	refused string
	orNot   bool
}

var rawRequests = slices.Concat([]rawRequest{
	{name: "nothing else"},
	{name: "keep-alive", lines: []string{"Connection: keep-alive", "Keep-Alive: timeout=5"}},
	{name: "close", lines: []string{"Connection: close"}},
	{name: "Close", lines: []string{"connection: Close"}},
	{name: "TE", lines: []string{"Connection: TE", "TE: trailers"}},
	{name: "a header of the client's own", lines: []string{"Connection: close, X-Mine", "X-Mine: 1"}},
	{name: "names alike", lines: []string{"Connection: X-User-Id2, X-Users, User-Id, traceparents, X-Consumer"}},
	{name: "the client's credentials", lines: []string{"Connection: Authorization, apikey"}},
	{name: "Proxy-Connection", lines: []string{"Proxy-Connection: X-User-Id"}},
	{name: "cleartext HTTP/2", lines: []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"}},
	{name: "WebSocket", lines: []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, orNot: true},
	{name: "WebSocket, kept alive", lines: []string{"Connection: keep-alive, Upgrade", "Upgrade: WebSocket"}, orNot: true},
	{name: "HTTP/1.0", version: "HTTP/1.0"},
	{name: "HTTP/1.0, forged", version: "HTTP/1.0", lines: append([]string{"Connection: keep-alive"}, spelled(forge)...)},
	{name: "forged in all spellings", lines: spelled(forge)},
	{name: "forged twice", lines: append(hyphened(forge), hyphened(forge)...)},
	{name: "forged twice in all spellings", lines: append(spelled(forge), spelled(forge)...), orNot: true},
	{name: "forged in small letters", lines: spelled(func(name string) string { return strings.ToLower(forge(name)) })},
	{name: "forged in capitals", lines: spelled(func(name string) string { return strings.ToUpper(name) + ":forged" })},
	{name: "empty", lines: spelled(func(name string) string { return name + ":" })},
	{name: "blank", lines: spelled(func(name string) string { return name + ": \t " })},
	{name: "forged behind a tab", lines: spelled(func(name string) string { return name + ":\tforged\t" })},
	{name: "forged, not UTF-8", lines: spelled(func(name string) string { return name + ": \xff\xfe" })},
	{name: "forged trace", lines: []string{"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate: a=1"}},
	{name: "forged trace, twice", lines: []string{"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "traceparent: forged"}},
	{name: "a hundred headers before", lines: append(repeat(100, "X-N-%d: 1"), spelled(forge)...), orNot: true},
	{name: "a hundred headers before one of groups", lines: append(repeat(100, "X-N-%d: 1"), "X-Consumer-Groups: forged"), orNot: true},
	{name: "a thousand headers before", lines: append(repeat(1000, "N%d: 1"), "X_Consumer_Role: forged", "X-User_Id: forged"), orNot: true},
	{name: "a header that makes a list of Kong's copy", lines: []string{"1: forged", "X-Consumer-Groups: forged"}, orNot: true},
	{name: "a space before the colon", lines: []string{"X-User-Id : forged", "X_User_Id : forged"}, orNot: true},
	{name: "a tab before the colon", lines: []string{"X-User-Id\t: forged"}, orNot: true},
	{name: "a space before the name", lines: []string{"Accept: */*", " X-User-Id: forged"}, orNot: true},
	{name: "a folded value", lines: []string{"X_User_Id: forged", "\tmore"}, orNot: true},
	{name: "a folded Connection", lines: []string{"Connection: close,", " X-User-Id"}, orNot: true},
	{name: "other dashes", lines: []string{"X.User.Id: forged", "X\xe2\x80\x90User\xe2\x80\x90Id: forged"}, orNot: true},
	{name: "a trailer", lines: []string{"Trailer: X-User-Id"}},
}, taken(
	"X-Tenant-Id", "X-User-Id", "X-Plan", "X-Consumer-ID", "X-Consumer-Custom-ID", "X-Consumer-Username", "X-Consumer-Groups", "X-Consumer-Anything",
	"X-Credential-Identifier", "X-Anonymous-Consumer", "X-Authenticated-Groups", "traceparent", "tracestate",
	"x-user-id", "X-USER-ID", "X_User_Id", "TraceParent",
), []rawRequest{
	{name: "taken behind another", lines: []string{"Connection: close, X-User-Id"}, refused: "X-User-Id"},
	{name: "taken in a second line", lines: []string{"Connection: close", "Connection: X-User-Id"}, refused: "X-User-Id"},
	{name: "taken in a second line, and more", lines: []string{"connection: keep-alive, TE", "CONNECTION: te,x-plan ,"}, refused: "x-plan"},
	{name: "taken between commas", lines: []string{"Connection: , ,,X-User-Id,,"}, refused: "X-User-Id"},
	{name: "taken between tabs", lines: []string{"Connection:\tclose,\t X-User-Id\t"}, refused: "X-User-Id"},
	{name: "taken with a hundred others", lines: []string{"Connection: " + strings.Join(append(repeat(100, "N%d"), "X-Plan"), ", ")}, refused: "X-Plan"},
	{name: "taken at the end of a long line", lines: []string{"Connection: " + strings.Repeat("n", 7000) + ",X-Tenant-Id"}, refused: "X-Tenant-Id"},
	{name: "taken behind a hundred headers", lines: append(repeat(100, "X-N-%d: 1"), "Connection: X-User-Id"), refused: "X-User-Id"},
	{name: "taken by HTTP/1.0", version: "HTTP/1.0", lines: []string{"Connection: keep-alive, X-User-Id"}, refused: "X-User-Id"},
	{name: "taken and forged", lines: append(spelled(forge), "Connection: X-User-Id"), refused: "X-User-Id"},
})

// taken are requests whose Connection names one header each.
func taken(names ...string) (list []rawRequest) {
	for _, name := range names {
		list = append(list, rawRequest{name: name + " taken", lines: []string{"Connection: " + name}, refused: name})
	}
	return list
}

// TestHeaders wants of every request, on every kind of route, that each header which the
// service receives and which says who is asking was set by the gateway, and that each
// which the gateway sets arrives; or an answer of the gateway's own.
func TestHeaders(t *testing.T) {
	notShort(t)
	kinds := routeKinds()
	defer useConfig(t, func(config map[string]any) { addRoutes(t, config, kinds) })()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			credentials := kind.credentials(t)
			for _, tt := range rawRequests {
				t.Run(tt.name, func(t *testing.T) {
					token := fmt.Sprintf("probe=%016x", rand.Uint64())
					answer, body := exchange(t, kind.path+"?"+token, &tt, append(slices.Clone(credentials), tt.lines...))
					checkHeaders(t, &tt, kind.issued, answer, body, receivedWith(t, token))
				})
			}
		})
	}
	t.Run("no route", func(t *testing.T) {
		for _, tt := range rawRequests {
			if answer, _ := exchange(t, "/headers/nowhere", &tt, tt.lines); answer.StatusCode/100 != 4 && !tt.orNot {
				t.Errorf("%s: status %d", tt.name, answer.StatusCode)
			}
		}
	})
}

func checkHeaders(t *testing.T, tt *rawRequest, issued map[string]string, answer *http.Response, body string, received []services.Request) {
	t.Helper()
	switch {
	case tt.refused != "":
		checkRefused(t, tt.refused, answer, body)
	case len(received) == 1: // whatever it makes of somebody without a tenant
		checkIssued(t, issued, answer, received[0].Header)
		return
	case !tt.orNot || answer.StatusCode < 400:
		t.Errorf("status %d, and the service received %d requests; body %.300s", answer.StatusCode, len(received), body)
	}
	if len(received) > 0 {
		t.Errorf("status %d, and the service received %v", answer.StatusCode, received)
	}
}

// checkRefused wants a problem that names the header and says what to do.
func checkRefused(t *testing.T, name string, answer *http.Response, body string) {
	t.Helper()
	var got struct {
		problem.Document
		Header string `json:"header"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Content-Type") != problem.ContentType {
		t.Fatalf("status %d, %s %.300s", answer.StatusCode, answer.Header.Get("Content-Type"), body)
	}
	if got.Type != problem.TypeConnectionOption || got.Header != name || !strings.Contains(got.Detail, name) || !strings.Contains(got.Detail, "Connection") {
		t.Errorf("problem %+v, want one that names %s", got, name)
	}
}

// checkIssued wants the identity headers that the gateway issues, once each and in no
// other spelling, and the trace that it told the client.
func checkIssued(t *testing.T, issued map[string]string, answer *http.Response, received http.Header) {
	t.Helper()
	for name, values := range received {
		want, ours := issued[name]
		if identity.SaysWho(name) && (!ours || len(values) != 1 || want != anything && values[0] != want || strings.Contains(strings.ToLower(values[0]), "forged")) {
			t.Errorf("%s = %q, want %q, or none: %v", name, values, want, !ours)
		}
	}
	for name := range issued {
		if received.Get(name) == "" {
			t.Errorf("%s did not arrive", name)
		}
	}
	traceparent, traceID := received.Values("Traceparent"), answer.Header.Get("X-Trace-Id")
	if len(traceparent) != 1 || traceID == "" || !strings.Contains(traceparent[0], traceID) || received.Get("Tracestate") != "" {
		t.Errorf("traceparent %q and tracestate %q, want the trace %q", traceparent, received.Values("Tracestate"), traceID)
	}
}

// exchange writes a request as it is, and reads the answer.
func exchange(t *testing.T, path string, tt *rawRequest, lines []string) (answer *http.Response, body string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(gate.proxy, "http://"), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	version := tt.version
	if version == "" {
		version = "HTTP/1.1"
	}
	head := append([]string{"GET " + path + " " + version, "Host: gateway.test"}, lines...)
	if _, err := io.WriteString(conn, strings.Join(head, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err = http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// receivedWith are the requests with that query that the orders service received.
func receivedWith(t *testing.T, query string) (found []services.Request) {
	t.Helper()
	for _, r := range requestsAt(t, gate.services[services.Orders], "limit=20") {
		if strings.Contains(r.RawQuery, query) {
			found = append(found, r)
		}
	}
	return found
}

// addRoutes adds a route of each kind to the orders service, and limits that nobody
// reaches.
func addRoutes(t *testing.T, config map[string]any, kinds map[string]routeKind) {
	t.Helper()
	limits := []any{map[string]any{"name": "headers", "scope": []string{"user"}, "limit": 1_000_000, "window_seconds": 60}}
	globalSection(t, config, "tenant-rate-limit")["plans"] = []any{
		map[string]any{"name": "free", "limits": limits}, map[string]any{"name": "pro", "limits": limits},
	}
	config["consumers"] = append(config["consumers"].([]any), map[string]any{
		"username": "nobody", "acls": []any{map[string]any{"group": "strangers"}},
	})
	for _, kind := range kinds {
		name := strings.ReplaceAll(strings.Trim(kind.path, "/"), "/", "-")
		addOrdersService(t, config, map[string]any{
			"name": name, "path": "/v2/orders",
			"routes":  []any{map[string]any{"name": name, "paths": []string{kind.path}, "strip_path": true}},
			"plugins": kind.plugins,
		})
	}
}

// TestRefusedHeadersAreAudited: whoever looks for the request finds who refused it.
func TestRefusedHeadersAreAudited(t *testing.T) {
	for name, plugin := range map[string]string{"X-User-Id": "tenant-rate-limit", "traceparent": "trace-inject"} {
		t.Run(name, func(t *testing.T) {
			tt := rawRequest{lines: []string{partnerKey, "Connection: " + name}}
			answer, body := exchange(t, "/partner/v2/orders", &tt, tt.lines)
			checkRefused(t, name, answer, body)
			id := answer.Header.Get("X-Kong-Request-Id")
			wantAuditWord(t, id, plugin, "refused")
			if got := auditRecords(t, id)[0]; got.Status != http.StatusBadRequest || got.Source != "kong" || got.TraceID != answer.Header.Get("X-Trace-Id") {
				t.Errorf("audit record %+v, want status 400 and trace %s", got, answer.Header.Get("X-Trace-Id"))
			}
		})
	}
}
