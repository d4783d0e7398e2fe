package cdnranges

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Render writes Kong's setting trusted_ips: as an environment variable (env), as a line of
// kong.conf (conf), or as a JSON list for other tools (json).
func Render(format string, networks []Network) (string, error) {
	list := make([]string, len(networks))
	for i, n := range networks {
		list[i] = n.String()
	}
	joined := strings.Join(list, ",")
	switch format {
	case "env":
		return "KONG_TRUSTED_IPS=" + joined + "\n", nil
	case "conf":
		return "trusted_ips = " + joined + "\n", nil
	case "json":
		text, err := json.Marshal(list)
		return string(text) + "\n", err
	default:
		return "", fmt.Errorf("--format %q: write env, conf or json", format)
	}
}
