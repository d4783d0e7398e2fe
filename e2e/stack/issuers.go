package stack

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
)

// consumerOf is the consumer in kong.yaml whose tokens a client has.
func consumerOf(client devtoken.Client) string { return string(client) + "-app" }

// IssuersOverlay has those consumers of a declarative config that are the development
// issuers' own trust the keys that the auth service begins with.
func IssuersOverlay(base []byte) ([]byte, error) {
	var config struct{ Consumers []struct{ Username string } }
	if err := yaml.Unmarshal(base, &config); err != nil {
		return nil, fmt.Errorf("parse declarative config: %w", err)
	}
	type secret struct {
		Key       string `yaml:"key"`
		Algorithm string `yaml:"algorithm"`
		PublicKey string `yaml:"rsa_public_key"`
	}
	type consumer struct {
		Username string   `yaml:"username"`
		Secrets  []secret `yaml:"jwt_secrets"`
	}
	overlay := struct {
		Format    string     `yaml:"_format_version"`
		Consumers []consumer `yaml:"consumers"`
	}{Format: "3.0", Consumers: []consumer{}}
	for _, name := range devtoken.Clients() {
		client := devtoken.Client(name)
		username := consumerOf(client)
		if !slices.ContainsFunc(config.Consumers, func(c struct{ Username string }) bool { return c.Username == username }) {
			continue
		}
		key, err := devtoken.DevelopmentKey(client)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKIXPublicKey(key.Private.Public())
		if err != nil {
			return nil, fmt.Errorf("encode key %s: %w", key.ID, err)
		}
		public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		overlay.Consumers = append(overlay.Consumers, consumer{username, []secret{{key.ID, key.Method.Alg(), public}}})
	}
	return yaml.Marshal(overlay)
}
