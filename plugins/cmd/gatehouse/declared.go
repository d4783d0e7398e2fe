package main

import (
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/plugins/onehop"
)

// auditDeclared reports whether the declarative config that Kong starts with, empty if
// there is none, has the one-hop plugin write an audit record of each request. Kong starts
// a configuration with the first request that needs it, and until then that is all there is
// to know.
func auditDeclared(source []byte) bool {
	doc, err := kongyaml.Decode(source)
	if err != nil {
		return false // Kong says what is wrong
	}
	config, _ := doc.(map[string]any)
	plugins, _ := config["plugins"].([]any)
	for _, one := range plugins {
		if plugin, ok := one.(map[string]any); ok && auditsAll(plugin) {
			return true
		}
	}
	return false
}

// auditsAll reports whether an entry under plugins is for all requests and has a record
// written of each.
func auditsAll(plugin map[string]any) bool {
	for _, scope := range []string{"route", "service", "consumer", "consumer_group"} {
		if plugin[scope] != nil {
			return false
		}
	}
	if plugin["name"] != onehop.Name || plugin["enabled"] == false {
		return false
	}
	config, _ := plugin["config"].(map[string]any)
	scrub, _ := config["pii_log_scrub"].(map[string]any)
	run, _ := config["run"].([]any)
	for _, section := range run {
		if section == "pii_log_scrub" {
			return scrub["audit"] != "off" && scrub["audit"] != false // Kong reads a bare off so
		}
	}
	return false
}
