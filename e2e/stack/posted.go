package stack

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// Posted has a config that somebody posts to the gateway run on this stack, as the one that
// it started with does.
type Posted struct {
	Certs devcerts.Dir
	// Issuers is the overlay of their keys; the file may be missing.
	Issuers string
	Ports   Ports
}

// Config is a posted config with the stack's ports and certificates, and the issuers' keys.
// One with certificates is taken as it is: it has been through this, or has its own. So is
// what is no config: the gateway says so.
func (p Posted) Config(text []byte) ([]byte, error) {
	value, err := kongyaml.Decode(text)
	document, ok := value.(map[string]any)
	if err != nil || !ok || document["certificates"] != nil || document["ca_certificates"] != nil {
		return text, nil
	}
	text = moveTargets(text, p.Ports.targets())
	certs, err := p.Certs.Overlay(text)
	if err != nil {
		return nil, fmt.Errorf("add the certificates of make run: %w", err)
	}
	overlays := []kongyaml.File{{Name: p.Certs.OverlayFile(), Text: certs}}
	issuers, err := IssuersOf(text, "", "")
	if err != nil {
		return text, nil // a consumer that is none: the gateway says so
	}
	if len(issuers.List) > 0 {
		keys, err := kongyaml.ReadOverlay(p.Issuers)
		switch {
		case err == nil:
			overlays = append(overlays, kongyaml.File{Name: p.Issuers, Text: keys})
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("add the issuers' keys: %w", err)
		}
	}
	merged, err := kongyaml.Merge(kongyaml.File{Name: "posted config", Text: text}, overlays...)
	if err != nil {
		return nil, fmt.Errorf("add what make run adds to a config: %w", err)
	}
	return merged, nil
}
