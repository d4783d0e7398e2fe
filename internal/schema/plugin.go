package schema

import (
	"encoding/json"
	"fmt"
)

// Plugin is the schema of a plugin: a record with a config field, and checks
// over it whose field names start with "config.".
type Plugin struct {
	Name         string        `json:"name"`
	Fields       Fields        `json:"fields"`
	EntityChecks []EntityCheck `json:"entity_checks"`
}

// ParsePlugin reads the Schema object of a plugin server's info. Like Kong, it
// refuses attributes that it does not know, types that do not exist, and
// defaults that are not valid.
func ParsePlugin(data []byte) (*Plugin, error) {
	var p Plugin
	if err := decodeStrict(data, &p); err != nil {
		return nil, fmt.Errorf("read plugin schema: %w", err)
	}
	config := p.Fields.Get("config")
	if config == nil || config.Type != "record" {
		return nil, fmt.Errorf("read plugin schema of %q: no record named config", p.Name)
	}
	config.requireRecords()
	if err := config.check("config"); err != nil {
		return nil, fmt.Errorf("read plugin schema of %q: %w", p.Name, err)
	}
	return &p, nil
}

// Config is the record of the plugin's configuration.
func (p *Plugin) Config() *Field { return p.Fields.Get("config") }

// requireRecords makes nested records required unless they say otherwise, so
// that their defaults always appear (Entity.new_subschema in entity.lua).
func (f *Field) requireRecords() {
	if f.Required == nil {
		yes := true
		f.Required = &yes
	}
	for _, sub := range f.Fields {
		if sub.Field.Type == "record" {
			sub.Field.requireRecords()
		}
	}
}

// check validates the definition itself, as Kong's metaschema does.
func (f *Field) check(at string) error {
	if !validType(f.Type) {
		return fmt.Errorf("%s: invalid type: %q", at, f.Type)
	}
	if n := len(f.Description); f.Description != "" && (n < 10 || n > 500) {
		return fmt.Errorf("%s.description: %d characters, expected 10 to 500", at, n)
	}
	if f.Between != nil && len(f.Between) != 2 {
		return fmt.Errorf("%s.between: expected two numbers", at)
	}
	if err := f.checkParts(at); err != nil {
		return err
	}
	if f.Default == nil {
		return nil
	}
	if errs := Validate(f, Normalize(f, f.Default), nil); len(errs) > 0 {
		value, _ := json.Marshal(f.Default)
		return fmt.Errorf("%s.default: %s: %s", at, value, errs[0].Message)
	}
	return nil
}

func (f *Field) checkParts(at string) error {
	parts := map[string]*Field{"elements": f.Elements, "keys": f.Keys, "values": f.Values}
	for _, need := range neededParts(f.Type) {
		if parts[need] == nil {
			return fmt.Errorf("%s: field of type '%s' must declare '%s'", at, f.Type, need)
		}
		if err := parts[need].check(at + "." + need); err != nil {
			return err
		}
	}
	if f.Type == "record" && f.Fields == nil {
		return fmt.Errorf("%s: field of type 'record' must declare 'fields'", at)
	}
	for _, sub := range f.Fields {
		if err := sub.Field.check(at + "." + sub.Name); err != nil {
			return err
		}
	}
	return nil
}

func neededParts(typ string) []string {
	switch typ {
	case "array", "set":
		return []string{"elements"}
	case "map":
		return []string{"keys", "values"}
	default:
		return nil
	}
}

func validType(typ string) bool {
	switch typ {
	case "array", "set", "map", "record", "string", "number", "integer", "boolean":
		return true
	default:
		return false
	}
}
