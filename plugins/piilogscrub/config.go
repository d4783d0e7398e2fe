package piilogscrub

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/defaults"
	"github.com/gatehousehq/gatehouse/internal/prepared"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// What Kong knows the plugin by.
const (
	Name    = "pii-log-scrub"
	Version = "0.1.0"
	// Priority is above every plugin of Kong's, so that the request is read
	// before any of them changes it.
	Priority = 100002
)

// Config is what an operator writes in kong.yaml; see [Runtime.New]. The zero value looks
// for every kind with its default action, and writes the audit record. Ranges and
// defaults are those of the tags; the engine checks what it cannot do without once more,
// since not every server sends Kong a schema.
type Config struct {
	_ struct{} `kong:"if=pseudonym_key is given,then=pseudonym_key_id is given"`

	// Actions is what becomes of each kind. Default: keep_last4 for card,
	// truncate for ip, redact for all others.
	Actions map[string]string `json:"actions" kong:"keys_one_of=email|phone|card|iban|us_ssn|national_id|ip|jwt|credential|secret|field|custom,one_of=default|redact|keep_last4|truncate|pseudonym|drop|keep" desc:"Action by kind (email, phone, card, iban, us_ssn, national_id, ip, jwt, credential, secret, field, custom); absent kinds: keep_last4 for card, truncate for ip, redact for the rest."`
	// Fields are always redacted, beside the built-in ones.
	Fields []string `json:"fields" kong:"set,each_len_max=64,match=^[ -~]*%w[ -~]*%w[ -~]*$,err=write a name with two letters or digits at least\\, in printable ASCII" desc:"Names of query parameters, headers and JSON keys whose values are always redacted, beside the built-in ones; a bare name is not one of those."`
	// NeverFields are left alone as long as they look like identifiers.
	NeverFields []string `json:"never_fields" kong:"set,each_len_max=64,match=^[ -~]*%w[ -~]*%w[ -~]*$,err=write a name with two letters or digits at least\\, in printable ASCII" desc:"Names whose values are left alone as long as they look like identifiers, beside the built-in ones of request and trace ids."`
	// PathTemplates redact segments of paths.
	PathTemplates []string `json:"path_templates" kong:"match=^/[^%c ?#]*$,match_any=/{[^/{}]+}/,match_any=/{[^/{}]+}$,err=write a path with segments in braces\\, such as /users/{name}/orders/*" desc:"Paths in which the segments in braces are redacted, such as /users/{name}/orders/*; a star is any segment, two at the end any rest."`
	// Patterns are detectors of the operator's own.
	Patterns []Pattern `json:"patterns" kong:"len_max=64" desc:"Detectors of your own, for values that only you know, such as customer numbers; they find the kind custom."`

	// PseudonymKey is the key of the action pseudonym and of the user in the
	// audit record. Without it, a user is no more than present or absent there.
	PseudonymKey string `json:"pseudonym_key" kong:"referenceable,encrypted,len_min=32" desc:"Secret of at least 32 bytes for the action pseudonym and the user in the audit record; use a vault reference."`
	// PseudonymKeyID tells the tokens of one key from those of the next.
	PseudonymKeyID string `json:"pseudonym_key_id" kong:"match=^%w+$,len_max=16,err=write 1 to 16 letters or digits" desc:"Name of the key in every pseudonym, 1 to 16 letters or digits; change it with the key."`

	// MaxValueBytes bounds one value.
	MaxValueBytes int `json:"max_value_bytes" kong:"default=65536,between=256|1048576" desc:"Longest text in bytes that is examined; a longer one is dropped with a marker."`
	// MaxDepth bounds encodings within each other.
	MaxDepth int `json:"max_depth" kong:"default=6,between=1|16" desc:"Number of encodings taken off one value (percent, JSON escapes, base64); what is encoded once more is dropped."`

	// Audit writes the record.
	Audit string `json:"audit" kong:"default=on,one_of=on|off" desc:"Whether the log phase writes an audit record of each call: on or off."`
	// Identity says which claims of a verified token the record names.
	Identity identity.Names `json:"identity" desc:"Which claims of the verified token the audit record takes tenant and user from, as tenant-rate-limit has it; in the plugin gatehouse, tenant_rate_limit.identity counts in its place where that section runs."`
	// ResponseHeaders are written to it.
	ResponseHeaders []string `json:"response_headers" kong:"set,each_len_max=128,shape=header_name" desc:"Response headers that the audit record has, scrubbed; no other response header is logged anywhere."`

	// RouteID, ServiceID and ConsumerID are what the configuration is of; all empty for
	// one that is for all requests.
	RouteID    string `json:"route_id" kong:"scope"`
	ServiceID  string `json:"service_id" kong:"scope"`
	ConsumerID string `json:"consumer_id" kong:"scope"`

	runtime  *Runtime
	scrubber prepared.Value[*Scrubber]
	leave    func() // takes the policy out of those in use; nil if it is not among them
}

// Pattern is a detector of the operator's own.
type Pattern struct {
	_ struct{} `kong:"at_least_one_of=regex|keywords"`

	Name     string   `json:"name" kong:"required,len_min=1,len_max=64,shape=text" desc:"What the pattern is called in error messages."`
	Regex    string   `json:"regex" desc:"RE2 expression of the values to redact; absent, the keywords themselves are redacted."`
	Keywords []string `json:"keywords" desc:"Words of which one must be in a text, in any case, for the expression to be tried on it; this saves time."`
}

const on, off = "on", "off"

// Provision fills in defaults, checks the configuration and makes its [Scrubber].
// Each error names the field, the value and the fix. Where there is one, all texts of
// the requests under the configuration are dropped, since it is not known what was to be
// taken out of them; nginx's lines are scrubbed with what is right in it, and more
// strictly where that says less than the default.
func (c *Config) Provision() error { return c.scrubber.Provision(c.newScrubber) }

func (c *Config) newScrubber() (*Scrubber, error) {
	defaults.Fill(c)
	policy, errPolicy := c.Policy()
	engine, err := scrub.New(policy)
	if err != nil {
		policy, err = policy.WithoutMistakes()
	}
	err = errors.Join(c.checkAudit(), errPolicy, err)
	s := c.runtime.scrubber(c, engine)
	if err != nil {
		s.degrade()
		policy = strict(policy)
	}
	c.leave = c.runtime.policies.Add(policy, c.forAll())
	return s, err
}

// forAll reports whether the configuration is for all requests.
func (c *Config) forAll() bool { return c.RouteID == "" && c.ServiceID == "" && c.ConsumerID == "" }

// Scrubber is the configuration at work. A server that has not called Provision before
// the first event, as go-pdk's own does not, has it made here; if there is a mistake in
// the configuration, it is logged, and all texts are dropped.
func (c *Config) Scrubber() *Scrubber {
	return c.scrubber.Get(c.newScrubber, func(_ *Scrubber, err error) {
		c.runtime.logger.Error("config has a mistake in it: texts are dropped", "plugin", Name, "error", err)
	})
}

// Degrade has a configuration that Provision refused, or that could not be decoded, drop
// all texts.
func (c *Config) Degrade(error) { c.Scrubber().degrade() }

// Close is the end of the configuration.
func (c *Config) Close() error {
	if s := c.scrubber.Made(); s != nil {
		s.logsNoMore()
	}
	if c.leave != nil {
		c.leave()
		c.leave = nil
	}
	return nil
}

// strict is a policy that leaves nothing alone that it could take out.
func strict(p scrub.Policy) scrub.Policy {
	everything := scrub.Policy{Actions: map[scrub.Kind]scrub.Action{}}
	for kind := range scrub.Kinds() {
		everything.Actions[kind] = scrub.Redact
	}
	return scrub.Strictest(p, everything)
}

func (c *Config) checkAudit() error {
	if c.Audit == on || c.Audit == off {
		return nil
	}
	return fmt.Errorf("audit %q: use on or off", c.Audit)
}

// Policy is what the configuration says of texts, for who scrubs some without Kong. In place of an action that does not exist the kind
// is redacted; a kind that does not exist is left out.
func (c *Config) Policy() (scrub.Policy, error) {
	p := scrub.Policy{
		Actions: map[scrub.Kind]scrub.Action{},
		Fields:  c.Fields, NeverFields: c.NeverFields, PathTemplates: c.PathTemplates,
		PseudonymKey: []byte(c.PseudonymKey), PseudonymKeyID: c.PseudonymKeyID,
		MaxBytes: c.MaxValueBytes, MaxDepth: c.MaxDepth,
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Actions)) {
		kind, err := scrub.ParseKind(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("actions: %w", err))
			continue
		}
		if p.Actions[kind], err = scrub.ParseAction(c.Actions[name]); err != nil {
			errs = append(errs, fmt.Errorf("actions.%s: %w", name, err))
			p.Actions[kind] = scrub.Redact
		}
	}
	for _, custom := range c.Patterns {
		p.Patterns = append(p.Patterns, scrub.Pattern{Name: custom.Name, Regexp: custom.Regex, Keywords: custom.Keywords})
	}
	return p, errors.Join(errs...)
}
