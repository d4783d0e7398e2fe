package config

import (
	"fmt"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// The names of Kong's plugins that the dev gateway has itself.
const (
	JWTName     = "jwt"
	KeyAuthName = "key-auth"
	ACLName     = "acl"
)

// Priority of a plugin: that of a bundled one is Kong's, that of another one is
// what its server says.
func (p *Plugin) Priority() int {
	switch {
	case p.Info != nil:
		return p.Info.Priority
	case p.Name == JWTName:
		return 1450
	case p.Name == KeyAuthName:
		return 1250
	default:
		return 950
	}
}

// bundledSchema is the schema of a plugin that the dev gateway has itself, or
// nil.
func bundledSchema(name string) (*schema.Plugin, error) {
	text, ok := map[string]string{JWTName: jwtSchema, KeyAuthName: keyAuthSchema, ACLName: aclSchema}[name]
	if !ok {
		return nil, nil
	}
	p, err := schema.ParsePlugin([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("bundled plugin %s: %w", name, err)
	}
	refuseOptions(p, "anonymous", "always_use_authenticated_groups")
	return p, nil
}

func refuseOptions(p *schema.Plugin, options ...string) {
	supported := slices.DeleteFunc(p.Config().Fields.Names(), func(name string) bool {
		return slices.Contains(options, name)
	})
	for _, option := range options {
		if f := p.Config().Fields.Get(option); f != nil {
			*f = schema.Field{Type: "any", Unsupported: notSupported(supported)}
		}
	}
}

// inKong tells whether Kong bundles a plugin that the dev gateway has not.
func inKong(name string) bool {
	return slices.Contains([]string{
		"acme", "ai-prompt-decorator", "ai-prompt-guard", "ai-prompt-template", "ai-proxy",
		"ai-request-transformer", "ai-response-transformer", "aws-lambda", "azure-functions", "basic-auth",
		"bot-detection", "correlation-id", "cors", "datadog", "file-log", "grpc-gateway", "grpc-web",
		"hmac-auth", "http-log", "ip-restriction", "ldap-auth", "loggly", "oauth2", "opentelemetry",
		"post-function", "pre-function", "prometheus", "proxy-cache", "rate-limiting", "redirect",
		"request-size-limiting", "request-termination", "request-transformer", "response-ratelimiting",
		"response-transformer", "session", "standard-webhooks", "statsd", "syslog", "tcp-log", "udp-log", "zipkin",
	}, name)
}

const jwtSchema = `{"name": "jwt", "fields": [{"config": {"type": "record", "fields": [
	{"uri_param_names": {"type": "set", "elements": {"type": "string"}, "default": ["jwt"]}},
	{"cookie_names": {"type": "set", "elements": {"type": "string"}, "default": []}},
	{"key_claim_name": {"type": "string", "default": "iss"}},
	{"secret_is_base64": {"type": "boolean", "required": true, "default": false}},
	{"claims_to_verify": {"type": "set", "elements": {"type": "string", "one_of": ["exp", "nbf"]}}},
	{"anonymous": {"type": "string"}},
	{"run_on_preflight": {"type": "boolean", "required": true, "default": true}},
	{"maximum_expiration": {"type": "number", "default": 0, "between": [0, 31536000]}},
	{"header_names": {"type": "set", "elements": {"type": "string"}, "default": ["authorization"]}},
	{"realm": {"type": "string"}}
]}}], "entity_checks": [{"conditional": {
	"if_field": "config.maximum_expiration", "if_match": {"gt": 0},
	"then_field": "config.claims_to_verify", "then_match": {"contains": "exp"}
}}]}`

const keyAuthSchema = `{"name": "key-auth", "fields": [{"config": {"type": "record", "fields": [
	{"key_names": {"type": "array", "required": true, "default": ["apikey"],
		"elements": {"type": "string", "match": "^[%w_-]+$"}}},
	{"hide_credentials": {"type": "boolean", "required": true, "default": false}},
	{"anonymous": {"type": "string"}},
	{"key_in_header": {"type": "boolean", "required": true, "default": true}},
	{"key_in_query": {"type": "boolean", "required": true, "default": true}},
	{"key_in_body": {"type": "boolean", "required": true, "default": false}},
	{"run_on_preflight": {"type": "boolean", "required": true, "default": true}},
	{"realm": {"type": "string"}}
]}}]}`

const aclSchema = `{"name": "acl", "fields": [{"config": {"type": "record", "fields": [
	{"allow": {"type": "array", "elements": {"type": "string"}}},
	{"deny": {"type": "array", "elements": {"type": "string"}}},
	{"hide_groups_header": {"type": "boolean", "required": true, "default": false}},
	{"always_use_authenticated_groups": {"type": "boolean", "required": true, "default": false}}
]}}], "entity_checks": [
	{"only_one_of": ["config.allow", "config.deny"]},
	{"at_least_one_of": ["config.allow", "config.deny"]}
]}`
