package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/e2e/services"
)

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// get sends GET path with the headers, given as "Name: value".
func get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	return getBy(t, http.DefaultClient, path, headers...)
}

func getBy(t *testing.T, client *http.Client, path string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate.proxy+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	addHeaders(req, headers)
	return sendBy(t, client, req)
}

// getWithBody is [get] with a body in JSON.
func getWithBody(t *testing.T, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gate.proxy+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	addHeaders(req, headers)
	return send(t, req)
}

func addHeaders(req *http.Request, headers []string) {
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
}

func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	return sendBy(t, http.DefaultClient, req)
}

// answered holds the ids of the requests that the gateway answered to [sendBy]: their
// access lines may come later than the answers.
var answered sync.Map

func sendBy(t *testing.T, client *http.Client, req *http.Request) answer {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	answered.Store(resp.Header.Get("X-Kong-Request-Id"), true)
	a := answer{status: resp.StatusCode, header: resp.Header, body: body}
	if strings.HasPrefix(req.URL.Path, partnerAPI) {
		wantContract(t, req, a)
	}
	return a
}

// wantStatus ends the test unless the answer has the status.
func (a answer) wantStatus(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status = %d, want %d; body: %s", a.status, status, a.body)
	}
	return a
}

// into decodes a JSON body.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("decode %s: %v", a.body, err)
	}
}

// bearer returns an Authorization header with a token of the auth service's.
func bearer(t *testing.T, client devtoken.Client, tenant, user string) string {
	t.Helper()
	return issued(t, client, devtoken.Claims{Tenant: tenant, User: user})
}

// issued is [bearer] for claims that the auth service is asked for.
func issued(t *testing.T, client devtoken.Client, c devtoken.Claims) string {
	t.Helper()
	token, err := devtoken.Ask(t.Context(), gate.services[services.Auth][0], client, c)
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

// bearerOf is [bearer] for a token that the auth service would not issue. Without a time
// to begin at it is valid from a minute ago.
func bearerOf(t *testing.T, client devtoken.Client, c devtoken.Claims) string {
	t.Helper()
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Minute)
	}
	token, err := devtoken.Sign(client, c)
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + token
}

// notShort skips what takes long where less is asked for.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("left out: it takes long, and -short was given")
	}
}

// eventually polls until ok, for what is written after the response: spans and log lines.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	eventuallyWithin(t, 10*time.Second, what, ok)
}

func eventuallyWithin(t *testing.T, bound time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(bound); time.Now().Before(deadline); {
		if ok() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("not seen within %v: %s", bound, what)
}

// fetchJSON reads a control endpoint of the test equipment into v.
func fetchJSON(t *testing.T, url string, v any) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	a := send(t, req)
	if a.status != http.StatusOK {
		return fmt.Errorf("GET %s: status %d: %s", url, a.status, a.body)
	}
	return json.Unmarshal(a.body, v)
}

// fault makes a service fail until the test ends.
func fault(t *testing.T, service, body string) {
	t.Helper()
	faultAt(t, service, gate.services[service], body)
}

// faultAt is [fault] for some of the service's processes.
func faultAt(t *testing.T, service string, controls []string, body string) {
	t.Helper()
	control := func(ctx context.Context, method string) {
		for _, base := range controls {
			req, err := http.NewRequestWithContext(ctx, method, base+"/__faults", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			send(t, req).wantStatus(t, http.StatusNoContent)
		}
	}
	control(t.Context(), http.MethodPut)
	t.Cleanup(func() {
		control(context.Background(), http.MethodDelete)
		if service == services.Orders {
			settle(t)
		}
	})
}

// settle waits until both targets of the orders service get requests: Kong has counted
// their failures, one of a request twice, and takes a target out after three in a row.
func settle(t *testing.T) {
	t.Helper()
	const recovery = 20 * time.Second // two checks
	name, value, _ := strings.Cut(partnerKey, ": ")
	eventuallyWithin(t, recovery, "the orders service getting requests again", func() bool {
		for range 4 {
			req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, gate.proxy+"/partner/v2/orders", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set(name, value)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return false
			}
			_ = resp.Body.Close()
			if resp.StatusCode >= http.StatusInternalServerError {
				return false
			}
		}
		return true
	})
}
