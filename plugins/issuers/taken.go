package issuers

import (
	"fmt"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// Taken says by what Kong finds the jwt_secrets of a declarative config, and whose they
// are. Kong tells a missing key from no other: it makes one up.
func Taken(config []byte) (map[string]string, error) {
	document, err := kongyaml.Decode(config)
	if err != nil {
		return nil, err
	}
	top, _ := document.(map[string]any)
	taken := map[string]string{}
	add := func(secrets any, whose func(secret map[string]any) any) {
		list, _ := secrets.([]any)
		for _, entry := range list {
			secret, _ := entry.(map[string]any)
			if key, ok := secret["key"].(string); ok {
				taken[key] = fmt.Sprintf("consumer %v of the config", whose(secret))
			}
		}
	}
	add(top["jwt_secrets"], func(secret map[string]any) any { return secret["consumer"] })
	consumers, _ := top["consumers"].([]any)
	for _, entry := range consumers {
		consumer, _ := entry.(map[string]any)
		add(consumer["jwt_secrets"], func(map[string]any) any { return consumer["username"] })
	}
	return taken, nil
}
