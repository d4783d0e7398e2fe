package pluginserver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// deadlines are those of a plugin's phases, 0 or less for none.
type deadlines struct {
	phase [phaseCount]time.Duration
	// fixed says that an operator has named the plugin: its configurations have no say.
	fixed [phaseCount]bool
}

// everyPlugin stands for a plugin's name in Options.Deadlines.
const everyPlugin = "*"

// deadlinesOf are a plugin's own, or what the operator says.
func deadlinesOf(p Plugin, operator map[string]time.Duration) (d deadlines) {
	for i := range d.phase {
		own, shared := p.Deadline, []string{everyPlugin + "." + phaseNames[i], everyPlugin}
		named := []string{p.Name + "." + phaseNames[i], p.Name}
		if phase(i) == logging { // a deadline for what clients wait for is none for logs
			own, shared, named = p.LogDeadline, shared[:1], named[:1]
		}
		d.phase[i] = own
		if v, ok := valueOf(operator, shared); ok {
			d.phase[i] = v
		}
		if v, ok := valueOf(operator, named); ok {
			d.phase[i], d.fixed[i] = v, true
		}
	}
	return d
}

func valueOf(values map[string]time.Duration, names []string) (time.Duration, bool) {
	for _, name := range names {
		if v, ok := values[name]; ok {
			return v, true
		}
	}
	return 0, false
}

// with are the deadlines of a configuration that says one of its own, if not 0.
func (d deadlines) with(own time.Duration) [phaseCount]time.Duration {
	if own != 0 {
		for i := range d.phase {
			if phase(i) != logging && !d.fixed[i] {
				d.phase[i] = own
			}
		}
	}
	return d.phase
}

// checkDeadlines reports the names in Options.Deadlines that mean nothing. A phase that a
// plugin does not handle is no mistake: which it handles may depend on other settings.
func checkDeadlines(operator map[string]time.Duration, plugins map[string]*plugin) error {
	names := slices.Sorted(maps.Keys(plugins))
	known := map[string]bool{}
	for _, name := range append([]string{everyPlugin}, names...) {
		known[name] = true
		for _, ph := range phaseNames {
			known[name+"."+ph] = true
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(operator)) {
		if !known[name] {
			errs = append(errs, fmt.Errorf("deadline of %q: write PLUGIN or PLUGIN.PHASE, with one of the plugins %s and a phase of %s",
				name, strings.Join(names, ", "), strings.Join(phaseNames[:], ", ")))
		}
	}
	return errors.Join(errs...)
}
