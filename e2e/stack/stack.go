// Package stack starts Gatehouse and all that it needs on one machine: the sample
// services, the BFFs, the plugin server and a gateway as child processes, a
// Redis-compatible store and an OTLP receiver in this process. `make run` runs it,
// and the end-to-end suite starts it, so that there is one way to start it.
package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Config says what to start.
type Config struct {
	// Bin is the folder that holds the binaries gatehouse, bff and stack.
	Bin string
	// Dir is the folder for logs and generated files; it is created where missing.
	Dir string
	// KongConfig is the declarative config file that the gateway reads.
	KongConfig string
	// Kong runs the Kong on PATH in place of the dev gateway.
	Kong bool
	// GatewayEnv are more of Kong's settings for the gateway, "NAME=value" each.
	GatewayEnv []string
	Ports      Ports
	// RedisURL is a Redis to use in place of the in-process store.
	RedisURL string
	// OTLPEndpoint is a collector (OTLP over HTTP) in place of the in-process receiver.
	OTLPEndpoint string
}

// Stack is a running stack.
type Stack struct {
	Config
	runDir   string   // sockets: a short path, as a socket's is limited to 107 bytes
	plain    []string // what the config is warned of before the gateway sees it
	certsNew []string // what was put right in the folder of certificates
	children []*process
	closers  []func() error
}

// readyTimeout bounds how long one part may take to answer its health check.
const readyTimeout = 30 * time.Second

// Start starts everything and returns when the gateway answers. On an error nothing
// is left running.
func Start(ctx context.Context, cfg Config) (*Stack, error) {
	s := &Stack{Config: cfg}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// LogDir is where each part's output goes, a file a part.
func (s *Stack) LogDir() string { return filepath.Join(s.Dir, "logs") }

// note remembers a line about the certificates.
func (s *Stack) note(line string) { s.certsNew = append(s.certsNew, line) }

// Warnings are what there is to say of the certificates, and of the gateway's config before
// it is used, a line each: by the gateway, and by those that it is to call.
func (s *Stack) Warnings() (list []string) {
	list = slices.Clone(s.certsNew)
	for _, warning := range s.plain {
		list = append(list, s.KongConfig+": "+warning)
	}
	for _, child := range s.children {
		if child.name != partGateway {
			continue
		}
		for _, warning := range child.warnings() {
			list = append(list, s.ofFile(warning))
		}
	}
	return list
}

// ofFile is what a child said of its config, about the file that the operator wrote.
func (s *Stack) ofFile(words string) string {
	return strings.ReplaceAll(words, s.GatewayConfig(), s.KongConfig)
}

// Wait returns nil when ctx ends, or the error of the first child that ends on its own.
func (s *Stack) Wait(ctx context.Context) error {
	ended := make(chan *process, len(s.children))
	for _, child := range s.children {
		go func() {
			<-child.exited
			ended <- child
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case child := <-ended:
		return child.endedEarly()
	}
}

// Close stops everything, the gateway first, and returns what did not stop cleanly.
func (s *Stack) Close() error {
	var errs []error
	for _, child := range slices.Backward(s.children) {
		errs = append(errs, child.stop())
	}
	for _, closer := range slices.Backward(s.closers) {
		errs = append(errs, closer())
	}
	if s.runDir != "" {
		errs = append(errs, os.RemoveAll(s.runDir))
	}
	return errors.Join(errs...)
}
