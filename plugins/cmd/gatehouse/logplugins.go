package main

import (
	"fmt"
)

// logPlugins reports whether log plugins of Kong's are enabled, as they are unless
// GATEHOUSE_LOG_PLUGINS says that they are not.
func logPlugins(getenv func(string) string) (bool, error) {
	switch value := getenv("GATEHOUSE_LOG_PLUGINS"); value {
	case "", "on":
		return true, nil
	case "off":
		return false, nil
	default:
		return false, fmt.Errorf("GATEHOUSE_LOG_PLUGINS=%q: write off where none of Kong's log plugins is enabled, else on or nothing", value)
	}
}

// scrubPhases are the phases in which Kong need call the scrubber, nil for all that it
// has: without log plugins nobody reads what it replaces of a request.
func (p *plugins) scrubPhases() []string {
	if p.logPlugins {
		return nil
	}
	return []string{"log"}
}
