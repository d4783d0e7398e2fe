package auth

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

type jwtConfig struct {
	URIParamNames     []string `json:"uri_param_names"`
	CookieNames       []string `json:"cookie_names"`
	HeaderNames       []string `json:"header_names"`
	KeyClaimName      string   `json:"key_claim_name"`
	SecretIsBase64    bool     `json:"secret_is_base64"`
	ClaimsToVerify    []string `json:"claims_to_verify"`
	RunOnPreflight    bool     `json:"run_on_preflight"`
	MaximumExpiration float64  `json:"maximum_expiration"`
	Realm             string   `json:"realm"`
}

// sharedToken is where the plugin leaves the verified token for later plugins.
const sharedToken = "authenticated_jwt_token"

func (c *jwtConfig) access(x *exchange.Exchange) error {
	if !c.RunOnPreflight && x.Method == http.MethodOptions {
		return nil
	}
	token, secret, err := c.authenticate(x)
	var refused *refusal
	if errors.As(err, &refused) {
		x.ExitJSON(http.StatusUnauthorized, refused.body, wwwAuthenticate(refused.challenge))
		return nil
	}
	if err != nil {
		return err
	}
	authenticate(x, secret.Consumer, &exchange.Credential{ID: secret.ID, Key: secret.Key}, secret.Key)
	x.Shared.Set(sharedToken, token)
	return nil
}

// refusal is a 401 with its body and its challenge.
type refusal struct {
	body      map[string]any
	challenge string
}

func (r *refusal) Error() string { return fmt.Sprint(r.body) }

// refuse makes a refusal; only one for want of any token has no error in it.
func (c *jwtConfig) refuse(body map[string]any, noToken bool) error {
	challenge := "Bearer"
	if c.Realm != "" {
		challenge += ` realm="` + c.Realm + `"`
	}
	if !noToken {
		challenge += ` error="invalid_token"`
	}
	return &refusal{body, challenge}
}

func (c *jwtConfig) invalid(format string, args ...any) error {
	return c.refuse(map[string]any{"message": fmt.Sprintf(format, args...)}, false)
}

func (c *jwtConfig) authenticate(x *exchange.Exchange) (string, *config.JWTSecret, error) {
	tokens := c.tokens(x)
	if len(tokens) == 0 {
		return "", nil, c.refuse(map[string]any{"message": "Unauthorized"}, true)
	}
	if len(tokens) > 1 {
		return "", nil, c.invalid("Multiple tokens provided")
	}
	token, err := parseToken(tokens[0])
	if err != nil {
		return "", nil, c.invalid("Bad token; %v", err)
	}
	secret, err := c.secret(x, token)
	if err != nil {
		return "", nil, err
	}
	if err := c.verify(token, secret); err != nil {
		return "", nil, err
	}
	return tokens[0], secret, nil
}

// secret finds the credential that the token names in its claims or header.
func (c *jwtConfig) secret(x *exchange.Exchange, t *token) (*config.JWTSecret, error) {
	key, ok := t.claims[c.KeyClaimName]
	if !ok || key == false {
		key, ok = t.header[c.KeyClaimName]
	}
	if !ok || key == false {
		return nil, c.invalid("No mandatory '%s' in claims", c.KeyClaimName)
	}
	if key == "" {
		return nil, c.invalid("Invalid '%s' in claims", c.KeyClaimName)
	}
	name, _ := key.(string)
	secret := x.Config.JWTSecret(name)
	if secret == nil {
		return nil, c.invalid("No credentials found for given '%s'", c.KeyClaimName)
	}
	return secret, nil
}

// verify checks the algorithm, the signature and the registered claims.
func (c *jwtConfig) verify(t *token, secret *config.JWTSecret) error {
	if t.algorithm != secret.Algorithm {
		return c.invalid("Invalid algorithm")
	}
	key, err := c.key(secret)
	if err != nil {
		return err
	}
	switch ok, err := t.verify(key); {
	case err != nil:
		return err
	case !ok:
		return c.invalid("Invalid signature")
	}
	if problems := t.checkClaims(c.ClaimsToVerify, time.Now()); len(problems) > 0 {
		return c.refuse(problems, false)
	}
	if c.MaximumExpiration > 0 {
		exp, isNumber := t.claims["exp"].(float64)
		if !isNumber || exp-float64(time.Now().Unix()) > c.MaximumExpiration {
			return c.refuse(map[string]any{"exp": "exceeds maximum allowed expiration"}, false)
		}
	}
	return nil
}

var bearerPattern = regexp.MustCompile(`\s*[Bb]earer\s+(.+)`)

// tokens are the different tokens of a request, wherever they are.
func (c *jwtConfig) tokens(x *exchange.Exchange) []string {
	var found []string
	add := func(token string) {
		if token != "" && !slices.Contains(found, token) {
			found = append(found, token)
		}
	}
	query := x.Query(maxArgs)
	for _, name := range c.URIParamNames {
		values, many := query[name].([]any)
		if !many {
			values = []any{query[name]}
		}
		for _, v := range values {
			token, _ := v.(string)
			add(token)
		}
	}
	for _, name := range c.CookieNames {
		token, _ := x.Var("cookie_" + name)
		add(token)
	}
	for _, name := range c.HeaderNames {
		header, _ := x.RequestHeader(name)
		if m := bearerPattern.FindStringSubmatch(header); m != nil {
			add(m[1])
		}
	}
	return found
}
