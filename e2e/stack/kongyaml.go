package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// hosts are the names that kong.yaml's targets use; here all of them are this machine.
var hosts = []string{"web-bff", "mobile-bff", "orders", "users", "billing", "notifications"}

// writeHosts writes a hosts file (hosts(5)) for KONG_DNS_HOSTSFILE.
func writeHosts(dir string) (string, error) {
	path := filepath.Join(dir, "hosts")
	content := "127.0.0.1 localhost " + strings.Join(hosts, " ") + "\n"
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		return "", fmt.Errorf("write hosts file: %w", err)
	}
	return path, nil
}

// moveTargets writes a copy of the declarative config whose upstream targets have
// the ports in moved (by "host:port" as the file has them), and returns its path.
// A file with nothing to move is left alone and its own path returned, so that
// what runs is what the operator wrote.
func moveTargets(file, dir string, moved map[string]Port) (string, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read Kong config: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil {
		// The gateway says what is wrong with a file; it must see it as it is.
		return file, nil //nolint:nilerr // reported by the gateway, with its line
	}
	if !replaceTargets(&doc, moved) {
		return file, nil
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		return "", fmt.Errorf("encode Kong config: %w", err)
	}
	path := filepath.Join(dir, "kong.yaml")
	if err := os.WriteFile(path, out, 0o644); err != nil {
		return "", fmt.Errorf("write Kong config: %w", err)
	}
	return path, nil
}

// replaceTargets rewrites every `target:` value that moved lists, anywhere below n.
func replaceTargets(n *yaml.Node, moved map[string]Port) bool {
	changed := false
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			port, ok := moved[value.Value]
			if key.Value != "target" || !ok {
				continue
			}
			host, _, _ := strings.Cut(value.Value, ":")
			if target := fmt.Sprintf("%s:%d", host, port.Number); target != value.Value {
				value.Value, changed = target, true
			}
		}
	}
	for _, child := range n.Content {
		changed = replaceTargets(child, moved) || changed
	}
	return changed
}
