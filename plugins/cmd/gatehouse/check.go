package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// declared is the part of a declarative config (`_format_version: "3.0"`) that holds
// plugins: at the top, and nested in services, routes and consumers.
type declared struct {
	Plugins   []declaredPlugin `yaml:"plugins"`
	Services  []declared       `yaml:"services"`
	Routes    []declared       `yaml:"routes"`
	Consumers []declared       `yaml:"consumers"`
}

type declaredPlugin struct {
	Name   string         `yaml:"name"`
	Config map[string]any `yaml:"config"`
}

// check says what is wrong with the plugins' configs in a declarative config. Kong's
// schema is checked by Kong; this finds what a schema cannot say, such as a plan that
// does not exist or an end before the deprecation.
func check(_ context.Context, s streams, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%w: gatehouse check FILE", errUsage)
	}
	source, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("read declarative config: %w", err)
	}
	var root declared
	if err := yaml.Unmarshal(source, &root); err != nil {
		return fmt.Errorf("parse %s: %w", args[0], err)
	}
	p, err := offlinePlugins()
	if err != nil {
		return err
	}
	c := checker{file: args[0], constructors: map[string]func() any{}, logPlugins: p.logPlugins}
	for _, plugin := range p.list() {
		c.constructors[plugin.Name] = plugin.New
	}
	c.entity("", root)
	if len(c.errs) > 0 {
		return errors.Join(c.errs...)
	}
	_, err = fmt.Fprintf(s.out, "%s: %d plugin configs are good\n", args[0], c.good)
	return err
}

type checker struct {
	file         string
	constructors map[string]func() any
	logPlugins   bool // are provided for
	good         int
	errs         []error
}

// bundledLogPlugins are those of Kong's that write down what kong.log.serialize says.
var bundledLogPlugins = []string{"file-log", "http-log", "loggly", "syslog", "tcp-log", "udp-log"}

var errUnscrubbed = errors.New("GATEHOUSE_LOG_PLUGINS=off says that there is no such plugin, so it would log requests as they came; " +
	"remove the plugin or the variable")

// entity checks the plugins of one entity and of those nested in it. path is where
// it is in the file, empty for the file itself.
func (c *checker) entity(path string, e declared) {
	for i, plugin := range e.Plugins {
		if !c.logPlugins && slices.Contains(bundledLogPlugins, plugin.Name) {
			c.errs = append(c.errs, fmt.Errorf("%s: %splugins[%d] %s: %w", c.file, path, i, plugin.Name, errUnscrubbed))
			continue
		}
		construct, ours := c.constructors[plugin.Name]
		if !ours {
			continue
		}
		if err := checkConfig(construct(), plugin.Config); err != nil {
			c.errs = append(c.errs, fmt.Errorf("%s: %splugins[%d] %s: %w", c.file, path, i, plugin.Name, err))
			continue
		}
		c.good++
	}
	for _, nested := range []struct {
		name string
		list []declared
	}{{"services", e.Services}, {"routes", e.Routes}, {"consumers", e.Consumers}} {
		for i, child := range nested.list {
			c.entity(fmt.Sprintf("%s%s[%d].", path, nested.name, i), child)
		}
	}
}

// checkConfig decodes a plugin's config and provisions it, as the plugin server would.
func checkConfig(config any, written map[string]any) error {
	encoded, err := json.Marshal(withoutReferences(written))
	if err != nil {
		return fmt.Errorf("encode config: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		return fmt.Errorf("decode config: %w", err)
	}
	if p, ok := config.(interface{ Provision() error }); ok {
		if err := p.Provision(); err != nil {
			return err
		}
	}
	if o, ok := config.(interface{ Overruled() error }); ok {
		return o.Overruled()
	}
	return nil
}

// keyFromVault stands in for a key that is in a vault, so that what needs a key finds
// one.
var keyFromVault = strings.Repeat("k", 64)

// withoutReferences leaves out what Kong's vaults fill in when it starts.
func withoutReferences(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, value := range v {
			if text, ok := value.(string); ok && strings.HasPrefix(text, "{vault://") {
				if strings.HasSuffix(name, "_key") {
					kept[name] = keyFromVault
				}
				continue
			}
			kept[name] = withoutReferences(value)
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, value := range v {
			kept[i] = withoutReferences(value)
		}
		return kept
	default:
		return v
	}
}
