package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// targets are the upstream targets that kong.yaml names, with this stack's ports.
func (s *Stack) targets() map[string]Port {
	return map[string]Port{
		"web-bff:8081":    s.Ports.WebBFF,
		"mobile-bff:8082": s.Ports.MobileBFF,
		"orders:9101":     s.Ports.Orders,

		"web-bff-2:8083":    s.Ports.WebBFF2,
		"mobile-bff-2:8084": s.Ports.MobileBFF2,
		"orders-2:9105":     s.Ports.Orders2,
	}
}

// writeHosts writes a hosts file (hosts(5)) for KONG_DNS_HOSTSFILE: all targets are
// this machine.
func writeHosts(path string, targets map[string]Port) error {
	line := "127.0.0.1 localhost"
	for target := range targets {
		host, _, _ := strings.Cut(target, ":")
		line += " " + host
	}
	if err := os.WriteFile(path, []byte(line+"\n"), 0o644); err != nil {
		return fmt.Errorf("write hosts file: %w", err)
	}
	return nil
}

// moveTargets writes a copy of the declarative config in which the targets have the
// ports of this stack, and returns its path. A file in which nothing moves is left
// alone and its own path returned, so that what runs is what the operator wrote.
func moveTargets(file, dir string, targets map[string]Port) (string, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read Kong config: %w", err)
	}
	var replacements []string
	for target, port := range targets {
		host, _, _ := strings.Cut(target, ":")
		replacements = append(replacements, target, fmt.Sprintf("%s:%d", host, port.Number))
	}
	moved := strings.NewReplacer(replacements...).Replace(string(source))
	if moved == string(source) {
		return file, nil
	}
	path := filepath.Join(dir, "kong.yaml")
	if err := os.WriteFile(path, []byte(moved), 0o644); err != nil {
		return "", fmt.Errorf("write Kong config: %w", err)
	}
	return path, nil
}
