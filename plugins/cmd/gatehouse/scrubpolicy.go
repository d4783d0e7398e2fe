package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	kongconfig "github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrubreport"
)

// policyOfFile is what --policy says.
type policyOfFile struct {
	engine *scrub.Engine
	// routes are those of a whole config.
	routes *scrubreport.Routes
}

// readPolicy reads --policy, or takes the plugin's defaults. Of what is wrong in it, it prints
// each mistake.
func (f *filtering) readPolicy(s streams) (policyOfFile, error) {
	var policies scrub.Policies
	if f.policy == "" {
		return policyOfFile{policies.Engine(), &scrubreport.Routes{}}, nil
	}
	text, err := regularfile.Read(f.policy)
	if err != nil {
		return policyOfFile{}, fmt.Errorf("read policy: %w", err)
	}
	file := kongyaml.File{Name: f.policy, Text: text}
	checker, err := newChecker(configcheck.Options{Development: true, Getenv: os.Getenv})
	if err != nil {
		return policyOfFile{}, err
	}
	configs, report := checker.PluginConfigs(file, piilogscrub.Name, onehop.Name)
	report.Findings = slices.DeleteFunc(report.Findings, func(f configcheck.Finding) bool { return f.Severity < configcheck.Error })
	if !clean(s.err, report) {
		return policyOfFile{}, exitCode(1)
	}
	n := 0
	for _, c := range configs {
		config := scrubberOf(c.Config)
		if config == nil {
			continue
		}
		policy, err := config.Policy()
		if err != nil {
			return policyOfFile{}, fmt.Errorf("%s: %w", f.policy, err)
		}
		n++
		policies.Add(policy, c.Global)
	}
	if n == 0 {
		return policyOfFile{}, fmt.Errorf("%s: no plugin %s in it: name the file of its config, or leave --policy out for the defaults", f.policy, piilogscrub.Name)
	}
	return policyOfFile{policies.Engine(), routesOf(file)}, nil
}

// scrubberOf is the scrubber's config in a plugin's; nil if it does not run there.
func scrubberOf(config any) *piilogscrub.Config {
	switch config := config.(type) {
	case *piilogscrub.Config:
		return config
	case *onehop.Config:
		if slices.Contains(config.Run, "pii_log_scrub") {
			return config.PIILogScrub
		}
	}
	return nil
}

// routesOf are the routes of a whole config; of a plugin's alone there are none.
func routesOf(file kongyaml.File) *scrubreport.Routes {
	routes := &scrubreport.Routes{}
	document, err := kongyaml.Layer(file)
	if err != nil {
		return routes
	}
	config, err := kongconfig.Read(document)
	if err != nil {
		return routes
	}
	for _, route := range config.All("routes") {
		routes.Add(route.Name(), kongconfig.Strings(route.Fields["paths"])...)
	}
	return routes
}
