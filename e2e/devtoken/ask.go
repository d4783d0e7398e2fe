package devtoken

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	askTimeout = 10 * time.Second
	// maxAnswer bounds the auth service's answer, in bytes.
	maxAnswer = 1 << 20
)

// Ask has the auth service issue a token to the client. auth is the base URL of its control
// port, or of its own. The service sets NotBefore itself; without Expires it sets that too.
func Ask(ctx context.Context, auth string, client Client, c Claims) (string, error) {
	if _, err := Issuer(client); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, auth+"/"+string(client)+"/token", strings.NewReader(c.form().Encode()))
	if err != nil {
		return "", fmt.Errorf("ask the auth service: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(string(client), Secret(client))
	resp, err := http.DefaultClient.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "", fmt.Errorf("no auth service at %s: start it by make run or make up, or set PORT_OFFSET or AUTH_CONTROL_PORT as they are set there", auth)
	}
	if err != nil {
		return "", fmt.Errorf("ask the auth service: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("read the auth service's answer: %w", err)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal(body, &answer) != nil || resp.StatusCode != http.StatusOK || answer.AccessToken == "" {
		return "", fmt.Errorf("the auth service answered %d: %s", resp.StatusCode, body)
	}
	return answer.AccessToken, nil
}

// form is the request for a token (RFC 6749, 4.4.2) with what the sample auth service
// wants to know besides.
func (c Claims) form() url.Values {
	form := url.Values{"grant_type": {"client_credentials"}, "tenant": {c.Tenant}, "user": {c.User}}
	if c.Plan != "" {
		form.Set("plan", c.Plan)
	}
	if !c.Expires.IsZero() {
		form.Set("expires_in", strconv.Itoa(int(time.Until(c.Expires).Round(time.Second).Seconds())))
	}
	return form
}
