package upstream

import (
	"context"
	"fmt"
	"net"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
)

// Resolve is a target with its address, which the system looks up where the configuration
// does not know it: the first of version 4, else the first.
func Resolve(ctx context.Context, t *config.Target) (*config.Target, error) {
	if t.IP != "" {
		return t, nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.Host)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", t.Host, err)
	}
	resolved := *t
	resolved.IP = found[0].Unmap().String()
	for _, addr := range found {
		if addr.Unmap().Is4() {
			resolved.IP = addr.Unmap().String()
			break
		}
	}
	return &resolved, nil
}
