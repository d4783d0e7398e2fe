// Package version says which Gatehouse a program is of. The versions that Kong shows of
// plugins are the plugins' own.
package version

import (
	_ "embed"
	"runtime/debug"
	"strings"
)

//go:embed VERSION
var file string

// Number is the version of all programs, and of a release.
var Number = strings.TrimSpace(file)

// commit is set by the linker to what git describe says of the source:
// -X …/internal/version.commit=…
var commit string

// String is the number, and after a plus the commit where it is known.
func String() string { return join(commit, revision()) }

func join(described, revision string) string {
	switch {
	case described == "v"+Number: // built of the release's tag
		return Number
	case described != "":
		return Number + "+" + described
	case revision != "":
		return Number + "+" + revision
	}
	return Number
}

// revision is what go build writes down by itself, empty where it is told not to.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	short, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			short = s.Value[:min(len(s.Value), 7)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if short == "" {
		return ""
	}
	return short + dirty
}
