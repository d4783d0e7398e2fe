package configcheck

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// pluginConfigs validates the configs of our plugins as Kong would, and then starts those that
// run, as the plugin server would.
func (p *pass) pluginConfigs() {
	for _, e := range p.config.All("plugins") {
		known, ours := p.plugins[e.Name()]
		if !ours {
			continue
		}
		if p.pluginConfig(e, known) {
			p.report.Good[e.Name()]++
		}
	}
}

// pluginConfig reports whether a config has no mistake. One that Kong refuses is started all
// the same, without what Kong refuses of it, so that all mistakes are told at once.
func (p *pass) pluginConfig(e *gateway.Entity, known plugin) bool {
	written := e.Fields["config"]
	if written == nil {
		written = map[string]any{}
	}
	value := schema.Normalize(known.config, written)
	refused := mistakes(known.config, value)
	for _, err := range refused {
		what, fix := p.shown(e.Path.At("config"), known.config, value, err)
		p.found(e, append(at("config"), err.Path...), what, fix)
	}
	if len(refused) > 0 {
		if e.Fields["enabled"] != false {
			p.degradedToo(e, known, value, refused)
		}
		return false
	}
	if e.Fields["enabled"] == false {
		return true
	}
	config, err := known.decode(value)
	if err != nil {
		p.degraded(e, err)
		return false
	}
	return p.started(e, config)
}

// fromVault stands in for what Kong's vaults fill in when it starts. It is the URL of a
// Redis and a key that is long enough: nothing is said of what is in a vault.
const fromVault = "redis://what-is-in-a-vault.invalid:6379/0"

func (k plugin) decode(value any) (any, error) {
	return k.decodeWith(value, func(string) (string, error) { return fromVault, nil })
}

// decodeWith makes a config of a value whose references are what resolve says, or else an
// error.
func (k plugin) decodeWith(value any, resolve func(reference string) (string, error)) (any, error) {
	var failed []error
	resolved := schema.Resolve(k.config, schema.WithoutNulls(value).(map[string]any), resolve, func(err error) { failed = append(failed, err) })
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	text, err := json.Marshal(resolved)
	if err != nil {
		return nil, fmt.Errorf("encode config: %w", err)
	}
	config := k.make()
	err = json.Unmarshal(text, config)
	if unfit, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil, fmt.Errorf("%s: a value that no field takes: %s", unfit.Field, unfit.Value)
	}
	return config, err
}

// started provisions a config, says what that says, and reports whether it is good.
func (p *pass) started(e *gateway.Entity, config any) (good bool) {
	good = true
	if c, ok := config.(interface{ Provision() error }); ok {
		if err := provision(c.Provision); err != nil {
			good = false
			p.degraded(e, err)
		}
	}
	if w, ok := config.(interface{ Warnings() []error }); ok {
		for _, err := range w.Warnings() {
			p.said(pluginWarning, e, err.Error(), "")
		}
	}
	end(config)
	return good
}

// end closes a config that has done nothing.
func end(config any) {
	if closer, ok := config.(interface{ Close() error }); ok {
		_ = closer.Close()
	}
}

// untilRight is what a mistake of a plugin's own does.
const untilRight = "until it is right, the plugin starts degraded"

func (p *pass) degraded(e *gateway.Entity, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		p.said(pluginDegraded, e, line, untilRight)
	}
}

// fieldFirst is a plugin's own line, which begins with the field that it is about.
var (
	fieldFirst = regexp.MustCompile(`^([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*|\[\d+\])*): (.+)$`)
	step       = regexp.MustCompile(`[a-z0-9_]+`)
)

// said adds a finding of a plugin's own words.
func (p *pass) said(rule string, e *gateway.Entity, line, fix string) {
	field, line := p.fieldOfLine(e, line)
	p.foundBy(ruleOf(rule), e, append(at("config"), field...), line, fix)
}

// fieldOfLine takes a plugin's own words apart. They may be about no field.
func (p *pass) fieldOfLine(e *gateway.Entity, line string) (field schema.Path, rest string) {
	parts := fieldFirst.FindStringSubmatch(line)
	if parts == nil || p.plugins[e.Name()].config.Fields.Get(step.FindString(parts[1])) == nil {
		return nil, line
	}
	for _, name := range step.FindAllString(parts[1], -1) {
		if i, err := strconv.Atoi(name); err == nil {
			field = append(field, i)
		} else {
			field = append(field, name)
		}
	}
	return field, parts[2]
}

// provision makes a panic an error: it is one config's, and others are to be checked.
func provision(start func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked{v}
		}
	}()
	return start()
}

// panicked is an error that was a panic.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// shown is Kong's complaint with the value that it is about, which Kong often leaves out, and
// the fix. What may be secret is not shown.
func (p *pass) shown(at schema.Path, f *schema.Field, value any, e schema.Error) (what, fix string) {
	for _, step := range e.Path {
		inner, within := below(f, value, step)
		if inner == nil {
			return noSuchField(f, fmt.Sprint(step))
		}
		f, value = inner, within
	}
	what, fix = e.Message, fixOf(f, value, e)
	if e.Because != nil {
		what, fix = conditional(e)
	}
	if text, ok := p.scalar(at.At(e.Path...), value); ok && !e.Entity && f.Elements == nil && f.Fields == nil && f.Values == nil && !f.Referenceable && !f.Encrypted && !tells(what, strings.Trim(text, `"`)) {
		what = text + ": " + what
	}
	return what, fix
}

// tells reports whether a complaint says the value that it is about: in quotes, or after a
// colon at its end. The 0 in "between 1 and 10" is not one.
func tells(complaint, value string) bool {
	return strings.Contains(complaint, `"`+value+`"`) || strings.Contains(complaint, "'"+value+"'") || strings.HasSuffix(complaint, ": "+value)
}

func noSuchField(record *schema.Field, name string) (what, fix string) {
	var names []string
	for _, field := range record.Fields {
		names = append(names, field.Name)
	}
	if near := nearField(name, names); near != "" {
		return "no such field", near + "?"
	}
	return "no such field", "there are " + strings.Join(names, ", ")
}

// scalar is how a value is written.
func (p *pass) scalar(at schema.Path, value any) (text string, ok bool) {
	switch value := value.(type) {
	case string:
		return strconv.Quote(value), true
	case float64:
		return cmp.Or(p.config.Document.Number(at), strconv.FormatFloat(value, 'f', -1, 64)), true
	case bool:
		return strconv.FormatBool(value), true
	default:
		return "", false
	}
}

// fixOf says what to write where Kong's complaint does not.
func fixOf(f *schema.Field, value any, e schema.Error) string {
	_, isBool := value.(bool)
	text, isText := value.(string)
	switch {
	case e.Entity && strings.HasPrefix(e.Message, "at least one"):
		return "write one of them"
	case e.Entity && strings.HasPrefix(e.Message, "exactly one"):
		return fixOfChoice(value, e.Message)
	case e.Entity:
		return ""
	case isText && (f.Type == "integer" || f.Type == "number"):
		return "write a number, without quotes"
	case isText && f.Type == "boolean":
		return "write true or false, without quotes"
	case e.Message == "expected a string" && value != nil && !isBool:
		return "put it in quotes"
	case e.Message == "expected an integer":
		return "write a whole number"
	case e.Message == "expected a set" || e.Message == "expected an array":
		return "write a list, as [A, B]"
	case e.Message == "expected a record" || e.Message == "expected a map":
		return "write fields, as NAME: VALUE"
	case isBool && f.Type == "string":
		return `put it in quotes: Kong reads on, off, yes and no as true and false`
	case value == nil:
		return "write it"
	case strings.HasPrefix(e.Message, "must not be one of"):
		return "write another"
	case isText && text == "" && f.Required != nil && *f.Required:
		return "write it"
	case isText && text == "":
		return "write it, or take the field out"
	case isText && len(f.OneOf) > 0:
		var names []string
		for _, choice := range f.OneOf {
			names = append(names, fmt.Sprint(choice))
		}
		if near := spelling.Nearest(text, names, spelling.AnyNumber); near != "" {
			return near + "?"
		}
	}
	return ""
}

// bundled are the plugins that come with Kong 3.9 (kong/constants.lua).
var bundled = []string{
	"acl", "acme", "ai-prompt-decorator", "ai-prompt-guard", "ai-prompt-template", "ai-proxy", "ai-request-transformer",
	"ai-response-transformer", "aws-lambda", "azure-functions", "basic-auth", "bot-detection", "correlation-id", "cors", "datadog",
	"file-log", "grpc-gateway", "grpc-web", "hmac-auth", "http-log", "ip-restriction", "jwt", "key-auth", "ldap-auth", "loggly", "oauth2",
	"opentelemetry", "post-function", "pre-function", "prometheus", "proxy-cache", "rate-limiting", "redirect", "request-size-limiting",
	"request-termination", "request-transformer", "response-ratelimiting", "response-transformer", "session", "standard-webhooks",
	"statsd", "syslog", "tcp-log", "udp-log", "zipkin",
}

// pluginNames finds names that are nearly those of plugins that there are. Any other may be a
// plugin of one's own.
func (p *pass) pluginNames() {
	ours := slices.Sorted(maps.Keys(p.plugins))
	for _, e := range p.config.All("plugins") {
		name := e.Text("name")
		if slices.Contains(ours, name) || slices.Contains(bundled, name) {
			continue
		}
		if name == "" {
			p.found(e, at("name"), "a plugin without a name", "write name: NAME")
			continue
		}
		near := spelling.Nearest(name, ours, spelling.AnyNumber)
		if near == "" {
			near = spelling.Nearest(name, bundled, 2)
		} else {
			near = spelling.Nearest(name, append([]string{near}, bundled...), spelling.AnyNumber)
		}
		// rate-limiting-advanced is another plugin, and rate-limitng is none.
		if near != "" && !strings.HasPrefix(name, near+"-") {
			p.found(e, at("name"), fmt.Sprintf("no plugin of Gatehouse or Kong 3.9 is called %q", name), near+"?")
		}
	}
}

const (
	noPlugin     = "there is no plugin in it: nobody is asked who they are, and nothing is limited or logged"
	noneIsOurs   = "none of its plugins is Gatehouse's: nothing in it was checked that Kong does not check"
	fixOfNoFiles = "name the file with the plugins, or add them under plugins"
)

// noPlugins finds a config that is likely another file than the one that was meant. A plugin
// of a name that is nearly one of ours is told of by another rule.
func (p *pass) noPlugins() {
	all := p.config.All("plugins")
	if len(all) == 0 {
		if written, isList := p.config.Whole.Fields["plugins"].([]any); written == nil || isList && len(written) == 0 {
			p.found(p.config.Whole, nil, noPlugin, fixOfNoFiles)
		}
		return
	}
	ours := slices.Sorted(maps.Keys(p.plugins))
	if p.Ours && !p.unnamed() && !slices.ContainsFunc(all, func(e *gateway.Entity) bool { return spelling.Nearest(e.Name(), ours, spelling.AnyNumber) != "" }) {
		p.found(p.config.Whole, nil, noneIsOurs, fixOfNoFiles+"; if it needs none, say why: "+waiverFor("plugin-none"))
	}
}

// unnamed reports whether something that is no plugin stands where one has to: it may be ours.
func (p *pass) unnamed() bool {
	for _, kind := range append(p.config.Kinds(), "") {
		for _, e := range p.entities(kind) {
			if slices.ContainsFunc(gateway.List(e.Fields["plugins"]), func(item any) bool {
				name, _ := gateway.Map(item)["name"].(string)
				return name == ""
			}) {
				return true
			}
		}
	}
	return false
}

// entities are those of a kind, of "" the config itself.
func (p *pass) entities(kind string) []*gateway.Entity {
	if kind == "" {
		return []*gateway.Entity{p.config.Whole}
	}
	return p.config.All(kind)
}

// bundledLogPlugins are those of Kong's that write down what kong.log.serialize says.
var bundledLogPlugins = []string{"file-log", "http-log", "loggly", "syslog", "tcp-log", "udp-log"}

func (p *pass) logPlugins() {
	if !p.NoLogPlugins {
		return
	}
	for _, e := range p.config.All("plugins") {
		if slices.Contains(bundledLogPlugins, e.Name()) {
			p.found(e, nil, "GATEHOUSE_LOG_PLUGINS=off says that there is no such plugin, so it would log requests as they came", "remove the plugin or the variable")
		}
	}
}
