package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/atomicfile"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// targets are the upstream targets that kong.yaml names, with this stack's ports.
func (s *Stack) targets() map[string]Port { return s.Ports.targets() }

func (p *Ports) targets() map[string]Port {
	return map[string]Port{
		"web-bff:8081":    p.WebBFF,
		"mobile-bff:8082": p.MobileBFF,
		"orders:9101":     p.Orders,

		"web-bff-2:8083":    p.WebBFF2,
		"mobile-bff-2:8084": p.MobileBFF2,
		"orders-2:9105":     p.Orders2,
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

// writeConfig writes a copy of the declarative config with this stack's ports and
// certificates, another one with the issuers' keys besides, for nobody else to read, and
// returns the latter.
func (s *Stack) writeConfig() ([]byte, error) {
	source, err := os.ReadFile(s.KongConfig)
	if err != nil {
		return nil, fmt.Errorf("read Kong config: %w", err)
	}
	s.plain = plainServices(source, s.targets())
	base, err := s.certs().Config(moveTargets(source, s.targets()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.KongConfig, err)
	}
	config, err := s.withIssuers(base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.KongConfig, err)
	}
	return config, errors.Join(atomicfile.Write(s.BaseConfig(), base, 0o600), atomicfile.Write(s.GatewayConfig(), config, 0o600))
}

func (s *Stack) withIssuers(base []byte) ([]byte, error) {
	overlay, err := kongyaml.ReadOverlay(s.issuersOverlay())
	if errors.Is(err, fs.ErrNotExist) {
		return base, nil
	}
	if err != nil {
		return nil, err
	}
	return kongyaml.Merge(kongyaml.File{Name: s.BaseConfig(), Text: base}, kongyaml.File{Name: s.issuersOverlay(), Text: overlay})
}

// plainServices are warnings of services that would be called over plain HTTP, which the
// sample services and BFFs do not speak.
func plainServices(config []byte, targets map[string]Port) (warnings []string) {
	var parsed struct {
		Upstreams []struct {
			Name    string
			Targets []struct{ Target string }
		}
		Services []struct{ Name, Host, Protocol string }
	}
	if yaml.Unmarshal(config, &parsed) != nil {
		return nil // the gateway will say so
	}
	ours := map[string]string{}
	for _, u := range parsed.Upstreams {
		for _, t := range u.Targets {
			if _, ok := targets[t.Target]; ok {
				ours[u.Name] = t.Target
			}
		}
	}
	for _, s := range parsed.Services {
		if target, ok := ours[s.Host]; ok && s.Protocol != "https" {
			warnings = append(warnings, fmt.Sprintf("service %s: %s speaks mutual TLS only: write protocol: https and tls_verify: true, and its upstream's host_header", s.Name, target))
		}
	}
	return warnings
}

// Renew makes all certificates anew, which BFFs and services take up by themselves, and
// returns the declarative config that has the gateway do so too.
func (s *Stack) Renew() ([]byte, error) {
	if err := s.certs().Write(time.Now(), true, s.note); err != nil {
		return nil, err
	}
	return s.writeConfig()
}

// moveTargets gives the targets in a declarative config the ports of this stack.
func moveTargets(source []byte, targets map[string]Port) []byte {
	var replacements []string
	for target, port := range targets {
		host, _, _ := strings.Cut(target, ":")
		replacements = append(replacements, target, fmt.Sprintf("%s:%d", host, port.Number))
	}
	return []byte(strings.NewReplacer(replacements...).Replace(string(source)))
}
