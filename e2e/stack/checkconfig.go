package stack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/internal/kongyaml"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
)

// checkConfig says what the gateway would refuse of the declarative config, before anything
// is started: a line for each thing that is wrong, with its file and line, and the fix.
func (s *Stack) checkConfig(ctx context.Context) error {
	source, err := regularfile.Read(s.KongConfig)
	if err != nil {
		return fmt.Errorf("read Kong config: %w", err)
	}
	if value, err := kongyaml.Decode(source); len(bytes.TrimSpace(source)) == 0 || err == nil && value == nil {
		return fmt.Errorf("%s is empty: begin it with _format_version: \"3.0\", or start from a copy of kong.yaml", s.KongConfig)
	}
	text := moveTargets(source, s.targets())
	document, err := kongyaml.Layer(kongyaml.File{Name: s.KongConfig, Text: source})
	if err != nil {
		return unreadable(kongyaml.File{Name: s.KongConfig, Text: source}, err)
	}
	loader, err := s.loader(ctx)
	if err != nil {
		return err
	}
	// The overlay of certificates has a version of its own, which must not stand in.
	_, err = loader.Load(text)
	if wrong := about(err, "_format_version"); len(wrong) > 0 {
		return refusal(document, &config.Invalid{Errors: wrong})
	}
	if s.Kong {
		return nil // it has its own say
	}
	merged, err := s.certs().Config(text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.KongConfig, err)
	}
	_, err = loader.Load(merged)
	var invalid *config.Invalid
	if errors.As(err, &invalid) {
		return refusal(document, invalid)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.KongConfig, err)
	}
	return nil
}

// unreadable says what gatehouse check says of a config that is none, a line each.
func unreadable(file kongyaml.File, err error) error {
	var lines []string
	for _, f := range configcheck.NotReadable(file, nil, err).Findings {
		where := f.File
		if f.Line > 0 {
			where = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		lines = append(lines, fmt.Sprintf("%s: %s; %s", where, f.What, f.Fix))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// loader reads configs as the dev gateway of this stack does.
func (s *Stack) loader(ctx context.Context) (*config.Loader, error) {
	gatehouse := s.binary("gatehouse")
	if _, err := os.Stat(gatehouse); err != nil {
		return nil, fmt.Errorf("find the binaries, which make build writes: %w", err)
	}
	if err := writeHosts(s.hosts(), s.targets()); err != nil {
		return nil, err
	}
	hosts, err := config.ReadHosts(s.hosts())
	if err != nil {
		return nil, err
	}
	info := func(name string) ([]byte, error) { return PluginInfo(ctx, gatehouse, name) }
	return config.NewLoader(config.Options{PluginInfo: info, Hosts: hosts, Now: time.Now}), nil
}

// about are those errors that are about a field of the document's.
func about(err error, field string) (found schema.Errors) {
	var invalid *config.Invalid
	if !errors.As(err, &invalid) {
		return nil
	}
	for _, e := range invalid.Errors {
		if len(e.Path) > 0 && e.Path[0] == field {
			found = append(found, e)
		}
	}
	return found
}

// refusal has a line for each thing that is wrong, in the order of the document's.
func refusal(document *kongyaml.Document, invalid *config.Invalid) error {
	inOrder := *invalid
	inOrder.Errors = slices.Clone(invalid.Errors)
	slices.SortStableFunc(inOrder.Errors, func(a, b schema.Error) int { return document.At(a.Path).Line - document.At(b.Path).Line })
	var lines []string
	for i, line := range strings.Split(inOrder.Error(), "\n") {
		e := inOrder.Errors[i]
		lines = append(lines, fmt.Sprintf("%s: %s%s%s", document.At(e.Path), line, written(invalid.Document, e), fix(e)))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// written is the value that has another type than a number or a boolean. What should be a text
// may be a secret.
func written(document any, e schema.Error) string {
	if !strings.HasPrefix(e.Message, "expected an integer") && !strings.HasPrefix(e.Message, "expected a number") && !strings.HasPrefix(e.Message, "expected a boolean") {
		return ""
	}
	value := e.Path.In(document)
	switch value.(type) {
	case string, float64, bool:
		text, _ := json.Marshal(value)
		return ", and it is " + string(text)
	default:
		return ""
	}
}

// fixes are what to do about what Kong says, by how that begins.
var fixes = []struct{ says, fix string }{
	{"uniqueness violation", "; give it another, or take one of the two out"},
	{"expected one of", "; write one of them"},
	{"expected an integer", "; write a whole number, without quotes"},
	{"expected a number", "; write a number, without quotes"},
	{"expected a boolean", "; write true or false, without quotes"},
	{"expected a string", "; put it in quotes"},
	{"expected an array", "; write a list, as [A, B]"},
	{"expected a set", "; write a list, as [A, B]"},
	{"expected a ", "; write fields, as NAME: VALUE"},
}

// fix is what to do about an error that does not say so.
func fix(e schema.Error) string {
	if e.Message == "required field missing" {
		if len(e.Path) == 1 && e.Path[0] == "_format_version" {
			return "; write _format_version: \"3.0\""
		}
		return "; add it"
	}
	if e.Message == "unknown field" {
		name, _ := e.Path[len(e.Path)-1].(string)
		return cmp.Or(spelling.DidYouMean(name, e.Known), "; take it out, or write one of "+strings.Join(e.Known, ", "))
	}
	for _, f := range fixes {
		if strings.HasPrefix(e.Message, f.says) {
			return f.fix
		}
	}
	return ""
}
