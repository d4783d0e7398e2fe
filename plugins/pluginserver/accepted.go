package pluginserver

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// pluginName is what can be part of pluginserver_NAME_socket.
var pluginName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

// checkName returns an error for a name under which Kong does not load a plugin.
func checkName(name string) error {
	switch {
	case !pluginName.MatchString(name):
		return fmt.Errorf("plugin name %q: use letters, digits, dots, dashes and underscores, and neither a dot nor a dash first; StartServer takes the name of the executable", name)
	case name == "bundled" || name == "off":
		return fmt.Errorf("plugin name %q: it is a word of Kong's setting plugins: take another", name)
	}
	return nil
}

// versionInText is where Kong looks for the version (Kong's library version.lua 1.0.1,
// which kong/db/dao/plugins.lua calls).
var versionInText = regexp.MustCompile(`[0-9][0-9.]*`)

// checkVersion returns an error for a version with which Kong does not load a plugin. Kong
// takes the first run of digits and dots, and makes numbers of what is between the dots:
// at most three, and none is missing.
func checkVersion(version string) error {
	const rule = "Kong takes one to three numbers with dots between, such as 1.0.0 or v1.2.3-rc1"
	found := strings.TrimSuffix(versionInText.FindString(version), ".")
	if found == "" {
		return fmt.Errorf("version %q has no number: %s", version, rule)
	}
	numbers := strings.Split(found, ".")
	for _, n := range numbers {
		if n == "" {
			return fmt.Errorf("version %q lacks a number between two dots: %s", version, rule)
		}
	}
	if len(numbers) > 3 {
		return fmt.Errorf("version %q has %d numbers: %s", version, len(numbers), rule)
	}
	return nil
}

// checkPriority returns an error for a priority that the protocol has no room for
// (PluginInfo.Priority).
func checkPriority(priority int) error {
	if int64(priority) < math.MinInt32 || int64(priority) > math.MaxInt32 {
		return fmt.Errorf("priority %d: use a number from %d to %d, such as 950, which comes after Kong's authentication", priority, math.MinInt32, math.MaxInt32)
	}
	return nil
}

// ofPlugin has each line of an error say which plugin it is about.
func ofPlugin(name string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("plugin %s: %w", name, err)
	}
	var lines []error
	for _, line := range joined.Unwrap() {
		lines = append(lines, ofPlugin(name, line))
	}
	return errors.Join(lines...)
}
