package config

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Hosts are addresses by host name, in lower case.
type Hosts map[string]string

// ReadHosts reads a file in the format of /etc/hosts; no path, no hosts.
func ReadHosts(path string) (Hosts, error) {
	hosts := Hosts{}
	if path == "" {
		return hosts, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read hosts file: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if err := hosts.addLine(lines.Text()); err != nil {
			return nil, fmt.Errorf("read hosts file %s, line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read hosts file %s: %w", path, err)
	}
	return hosts, nil
}

func (h Hosts) addLine(line string) error {
	line, _, _ = strings.Cut(line, "#")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil
	}
	addr, err := netip.ParseAddr(fields[0])
	if err != nil {
		return fmt.Errorf("%q is not an IP address", fields[0])
	}
	for _, name := range fields[1:] {
		if _, known := h[strings.ToLower(name)]; !known || addr.Is4() {
			h[strings.ToLower(name)] = addr.String()
		}
	}
	return nil
}

// target finds the address of "host:port", where host is an address or a name that
// is known.
func (h Hosts) target(text string) (*Target, bool) {
	host, portText, err := net.SplitHostPort(text)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil {
		return nil, false
	}
	t := h.plain(host, int(port))
	return t, t.IP != ""
}

// plain is the target of a host. One that is neither an address nor a name that is known has
// no IP yet.
func (h Hosts) plain(host string, port int) *Target {
	t := &Target{Host: host, Port: port, IP: h[strings.ToLower(host)]}
	if addr, err := netip.ParseAddr(host); err == nil {
		t.IP = addr.String()
	}
	return t
}
