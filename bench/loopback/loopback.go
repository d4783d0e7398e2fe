// Package loopback finds places for the servers that a suite starts.
package loopback

import (
	"fmt"
	"net"
)

// FreeAddrs are addresses of 127.0.0.1 on which nobody listens, no two the same.
func FreeAddrs(count int) (addrs []string, err error) {
	for range count {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer ln.Close()
		addrs = append(addrs, ln.Addr().String())
	}
	return addrs, nil
}
