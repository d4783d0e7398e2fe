package services

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/internal/httpjson"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

const (
	// tokenLife is how long a token is valid whose request does not say: a working day.
	tokenLife = 12 * time.Hour
	// maxTokenLife bounds what it may say.
	maxTokenLife = 7 * 24 * time.Hour
	// clockSkew is for gateways whose clock is behind.
	clockSkew = time.Minute
)

// token serves POST /{issuer}/token (RFC 6749, 4.4.2). Nobody logs in here: the request
// says for whom the token is, by `tenant`, `user` and perhaps `plan`, and for how many
// seconds, by `expires_in`.
func token(i *issuer, w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != string(i.client) || secret != devtoken.Secret(i.client) {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+string(i.client)+`"`)
		refuseToken(w, http.StatusUnauthorized, "invalid_client", "the client of this issuer is "+string(i.client))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
	if grant := r.PostFormValue("grant_type"); grant != "client_credentials" {
		refuseToken(w, http.StatusBadRequest, "unsupported_grant_type", fmt.Sprintf("grant_type is %q: set it to client_credentials", grant))
		return
	}
	tenant, user := r.PostForm.Get("tenant"), r.PostForm.Get("user")
	if tenant == "" || user == "" {
		refuseToken(w, http.StatusBadRequest, "invalid_request", "tenant and user are required")
		return
	}
	life, err := lifeOf(r.PostForm.Get("expires_in"))
	if err != nil {
		refuseToken(w, http.StatusBadRequest, "invalid_request", err.Error())
		return
	}
	now := time.Now()
	signed, err := devtoken.SignBy(i.keys.signing(now), i.client, devtoken.Claims{
		Tenant: tenant, User: user, Plan: r.PostForm.Get("plan"),
		NotBefore: now.Add(-clockSkew), Expires: now.Add(life),
	})
	if err != nil {
		problem.Write(w, problem.From(err))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	httpjson.Write(w, http.StatusOK, httpjson.ContentType, map[string]any{
		"access_token": signed, "token_type": "Bearer", "expires_in": int(life.Seconds()),
	})
}

func lifeOf(text string) (time.Duration, error) {
	if text == "" {
		return tokenLife, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 || seconds > int(maxTokenLife.Seconds()) {
		return 0, fmt.Errorf("expires_in is %q: set it to 1 to %.0f seconds", text, maxTokenLife.Seconds())
	}
	return time.Duration(seconds) * time.Second, nil
}

// refuseToken answers as RFC 6749, 5.2 has it.
func refuseToken(w http.ResponseWriter, status int, code, description string) {
	httpjson.Write(w, status, httpjson.ContentType, map[string]string{"error": code, "error_description": description})
}
