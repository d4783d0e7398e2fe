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
	ClaimsToVerify []string `json:"claims_to_verify"`
	// KeyClaimName is the claim, or the header's member, that names the credential.
	KeyClaimName string `json:"key_claim_name"`
	// URIParamNames are the arguments of the query in which a token may stand.
	URIParamNames []string `json:"uri_param_names"`
}

// headerName is where a token may stand: the default of an option that the dev gateway
// does not support otherwise.
const headerName = "Authorization"

// sharedToken is where the plugin leaves the verified token for later plugins.
const sharedToken = "authenticated_jwt_token"

func (c *jwtConfig) access(x *exchange.Exchange) error {
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

func invalid(format string, args ...any) error {
	return invalidToken(map[string]any{"message": fmt.Sprintf(format, args...)})
}

func invalidToken(body map[string]any) error {
	return &refusal{body, `Bearer error="invalid_token"`}
}

func (c *jwtConfig) authenticate(x *exchange.Exchange) (string, *config.JWTSecret, error) {
	tokens := c.tokensOf(x)
	if len(tokens) == 0 {
		return "", nil, &refusal{map[string]any{"message": "Unauthorized"}, "Bearer"}
	}
	if len(tokens) > 1 {
		return "", nil, invalid("Multiple tokens provided")
	}
	token, err := parseToken(tokens[0])
	if err != nil {
		return "", nil, invalid("Bad token; %v", err)
	}
	secret, err := c.secretOf(x, token)
	if err != nil {
		return "", nil, err
	}
	if err := c.verify(token, secret); err != nil {
		return "", nil, err
	}
	return tokens[0], secret, nil
}

// secretOf finds the credential that the token names in its claims, or else in its header.
// The error is Kong's own about a name that is no text, which ends in a 500.
func (c *jwtConfig) secretOf(x *exchange.Exchange, t *token) (*config.JWTSecret, error) {
	key, ok := t.claims[c.KeyClaimName]
	if !ok || key == false {
		key, ok = t.header[c.KeyClaimName]
	}
	if !ok || key == false {
		return nil, invalid("No mandatory '%s' in claims", c.KeyClaimName)
	}
	if key == "" {
		return nil, invalid("Invalid '%s' in claims", c.KeyClaimName)
	}
	name, ok := key.(string)
	if !ok {
		return nil, fmt.Errorf("key must be a string, and %s is %v", c.KeyClaimName, key)
	}
	secret := x.Config.JWTSecret(name)
	if secret == nil {
		return nil, invalid("No credentials found for given '%s'", c.KeyClaimName)
	}
	return secret, nil
}

// verify checks the algorithm, the signature and the registered claims.
func (c *jwtConfig) verify(t *token, secret *config.JWTSecret) error {
	if t.algorithm != secret.Algorithm {
		return invalid("Invalid algorithm")
	}
	switch ok, err := t.verify(secret.PublicKey); {
	case err != nil:
		return err
	case !ok:
		return invalid("Invalid signature")
	}
	if problems := t.checkClaims(c.ClaimsToVerify, time.Now()); len(problems) > 0 {
		return invalidToken(problems)
	}
	return nil
}

var bearerPattern = regexp.MustCompile(`\s*[Bb]earer\s+(.+)`)

// tokensOf are the different tokens of a request, wherever they are.
func (c *jwtConfig) tokensOf(x *exchange.Exchange) []string {
	var found []string
	add := func(token string) {
		if token != "" && !slices.Contains(found, token) {
			found = append(found, token)
		}
	}
	for _, name := range c.URIParamNames {
		args, many := x.Query(maxArgs)[name].([]any)
		if !many {
			args = []any{x.Query(maxArgs)[name]}
		}
		for _, arg := range args {
			token, _ := arg.(string)
			add(token)
		}
	}
	header, _ := x.RequestHeader(headerName)
	if m := bearerPattern.FindStringSubmatch(header); m != nil {
		add(m[1])
	}
	return found
}
