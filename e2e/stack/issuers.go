package stack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/internal/atomicfile"
)

// Issuers are those of the auth service, as `gatehouse issuers sync` reads them.
type Issuers struct {
	List []Issuer `yaml:"issuers"`
}

// Issuer is an entry for whose tokens a consumer stands.
type Issuer struct {
	Consumer  string `yaml:"consumer"`
	ISS       string `yaml:"iss"`
	Discovery string `yaml:"discovery"`
	CAFile    string `yaml:"ca_file"`
	// Overlap is for how long a key stays in Kong that its issuer publishes no more. The
	// auth service publishes one until its tokens have expired.
	Overlap string `yaml:"overlap"`
}

// IssuersOf are the issuers of the auth service at the base URL, as far as a declarative
// config has their consumers: a config of somebody's own has none that it does not want.
func IssuersOf(config []byte, auth, caFile string) (i Issuers, err error) {
	var parsed struct{ Consumers []struct{ Username string } }
	if err := yaml.Unmarshal(config, &parsed); err != nil {
		return i, fmt.Errorf("parse declarative config: %w", err)
	}
	for _, client := range devtoken.Clients() {
		consumer := client + "-app"
		if !slices.ContainsFunc(parsed.Consumers, func(c struct{ Username string }) bool { return c.Username == consumer }) {
			continue
		}
		iss, err := devtoken.Issuer(devtoken.Client(client))
		if err != nil {
			return i, err
		}
		i.List = append(i.List, Issuer{consumer, iss, auth + "/" + client, caFile, "1m"})
	}
	return i, nil
}

// Write writes the file that `gatehouse issuers sync` reads.
func (i Issuers) Write(path string) error {
	text, err := yaml.Marshal(i)
	if err != nil {
		return fmt.Errorf("encode issuers: %w", err)
	}
	return atomicfile.Write(path, text, 0o644)
}

func (s *Stack) issuersFile() string    { return filepath.Join(s.runDir, "issuers.yaml") }
func (s *Stack) issuersOverlay() string { return filepath.Join(s.runDir, "kong-issuers.yaml") }

// writeIssuers writes which issuers there are, where the config has consumers for them.
func (s *Stack) writeIssuers() error {
	base, err := os.ReadFile(s.KongConfig)
	if err != nil {
		return fmt.Errorf("read Kong config: %w", err)
	}
	issuers, err := IssuersOf(base, s.Ports.Auth.TLS(), s.certs().CA())
	if err != nil || len(issuers.List) == 0 {
		return err
	}
	return issuers.Write(s.issuersFile())
}

// syncIssuers writes the keys that the issuers publish as an overlay. One that cannot be
// read is an error, and the overlay has the others' keys all the same.
func (s *Stack) syncIssuers(ctx context.Context) error {
	if _, err := os.Stat(s.issuersFile()); err != nil {
		return nil // there are none
	}
	sync := s.gatehouse(ctx, "issuers", "sync", "-issuers", s.issuersFile(), "-out", s.issuersOverlay())
	if out, err := sync.CombinedOutput(); err != nil {
		return fmt.Errorf("read the keys of issuers: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// gatehouse is a command of the binary's.
func (s *Stack) gatehouse(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.binary("gatehouse"), args...)
	command.Env = append(os.Environ(), development, "REDIS_URL="+s.redisURL()) // as the gateway has them
	return command
}

// FollowIssuers has the gateway take up keys that the issuers publish, until ctx ends. It
// looks for them every so long, and posts to the gateway where they have changed alone:
// what else somebody posts there meanwhile stays. What fails is written to stderr, once.
func (s *Stack) FollowIssuers(ctx context.Context, every time.Duration, stderr io.Writer) error {
	if _, err := os.Stat(s.issuersFile()); err != nil {
		return nil // there are none
	}
	command := s.gatehouse(ctx, "issuers", "sync", "-issuers", s.issuersFile(), "-out", s.issuersOverlay(), "-every", every.String(),
		"-only-changes", "-config", s.BaseConfig(), "-node", s.Ports.Admin.URL())
	command.Stderr = stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if err := command.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("follow issuers: %w", err)
	}
	return nil
}
