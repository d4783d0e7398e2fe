package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gatehousehq/gatehouse/bff/openapi"
	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// TestContractsSayWhatTheGatewayAnswers compares what clients are told of the gateway's own
// answers with these: each example of the contracts has its answer.
func TestContractsSayWhatTheGatewayAnswers(t *testing.T) {
	needHere(t)
	token := bearer(t, devtoken.Web, "acme", "u1")
	const page, asJSON = "/web/v1/dashboard", "Accept: application/json"
	answers := map[string]answer{
		"badRequest":   get(t, page, token, asJSON, `If-None-Match: "a"`, `If-None-Match: "b"`),
		"unauthorized": get(t, page),
		"forbidden":    get(t, page, bearer(t, devtoken.Mobile, "acme", "u1")),
		"noRoute":      post(t, page, token),
	}
	maps.Copy(answers, withoutTargets(t, asJSON))
	if nginx := gate.fileLog != ""; nginx { // net/http has no 414
		answers["targetTooLong"] = get(t, page+"?"+strings.Repeat("a", 40<<10), token)
	} else {
		answers["targetTooLong"] = answer{}
	}
	for _, contract := range [][]byte{openapi.Web, openapi.Mobile} {
		doc, err := openapi3.NewLoader().LoadFromData(contract)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for mediaType, media := range doc.Components.Responses["Gateway"].Value.Content {
			for name, example := range media.Examples {
				got, ok := answers[name]
				if !ok {
					t.Errorf("%s: no such answer", name)
				}
				if got.status != 0 {
					wantExample(t, name, got, mediaType, example.Value)
				}
				told++
			}
		}
		if told != len(answers) {
			t.Errorf("%s tells of %d answers, want %d", doc.Info.Title, told, len(answers))
		}
	}
}

// wantExample compares all but the request's id.
func wantExample(t *testing.T, name string, got answer, mediaType string, want *openapi3.Example) {
	t.Helper()
	if status, _, _ := strings.Cut(want.Summary, ","); status != strconv.Itoa(got.status) {
		t.Errorf("%s: status %d, want %s", name, got.status, status)
	}
	if contentType, _, _ := strings.Cut(got.header.Get("Content-Type"), ";"); contentType != mediaType {
		t.Errorf("%s: Content-Type %s, want %s", name, contentType, mediaType)
	}
	var body any = strings.TrimSpace(string(got.body))
	if mediaType == "application/json" {
		got.into(t, &body)
	}
	if text, wanted := withoutID(t, body), withoutID(t, want.Value); text != wanted {
		t.Errorf("%s: body %s, want %s", name, text, wanted)
	}
	if after := got.status >= http.StatusBadGateway; after != (got.header.Get("Retry-After") != "") {
		t.Errorf("%s: Retry-After %q", name, got.header.Get("Retry-After"))
	}
}

// withoutID is a body whose request's id, if it has one, is left out.
func withoutID(t *testing.T, body any) string {
	t.Helper()
	switch b := body.(type) {
	case string:
		first, _, _ := strings.Cut(b, "\nrequest_id: ")
		return first
	case map[string]any:
		if _, has := b["request_id"]; has {
			b["request_id"] = "ID"
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// withoutTargets are the answers of a service whose targets hang, or are away.
func withoutTargets(t *testing.T, headers ...string) map[string]answer {
	t.Helper()
	mute, dead := newBackends(t), newBackends(t)
	restore := useConfig(t, func(config map[string]any) {
		addDying(t, config, []any{dyingService("mute", 0), dyingService("dead", 0)}, [][2]*backend{mute, dead})
	})
	defer restore()
	for i := range mute {
		mute[i].mood.Store(hanging)
		dead[i].die()
	}
	answers := map[string]answer{"targetTimedOut": get(t, "/mute", headers...), "targetFailed": get(t, "/dead", headers...)}
	eventually(t, "503", func() bool {
		a := get(t, "/dead", headers...)
		answers["noTarget"] = a
		return a.status != http.StatusBadGateway
	})
	return answers
}

func post(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gate.proxy+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	addHeaders(req, headers)
	return send(t, req)
}
