package config

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// The names of Kong's plugins that the dev gateway supports.
const (
	JWTName                = "jwt"
	KeyAuthName            = "key-auth"
	ACLName                = "acl"
	RequestTransformerName = "request-transformer"
)

// Priority of a plugin: Kong's for a bundled plugin, and for any other what its server
// says.
func (p *Plugin) Priority() int {
	if p.Info != nil {
		return p.Info.Priority
	}
	return map[string]int{JWTName: 1450, KeyAuthName: 1250, ACLName: 950, RequestTransformerName: 801}[p.Name]
}

// Decode reads the configuration of a bundled plugin.
func (p *Plugin) Decode(into any) error {
	text, err := json.Marshal(p.Config)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("read config of plugin %s: %w", p.Name, err)
	}
	return nil
}

// bundledConfig is the definition of a bundled plugin's configuration, or nil. Options
// that are refused behave as with Kong's default.
func bundledConfig(plugin string) *schema.Field {
	switch plugin {
	case JWTName:
		verified := &schema.Field{Type: "string", OneOf: []any{"exp", "nbf"}}
		keyClaim := &schema.Field{Type: "string", Default: "iss"}
		return refuse(record(
			with("claims_to_verify", &schema.Field{Type: "set", Elements: verified}),
			with("key_claim_name", keyClaim),
			with("uri_param_names", &schema.Field{Type: "set", Elements: str(), Default: []any{"jwt"}}),
		), "cookie_names", "header_names", "secret_is_base64", "anonymous",
			"run_on_preflight", "maximum_expiration", "realm")
	case KeyAuthName:
		names := list(&schema.Field{Type: "string", Match: "^[%w_-]+$"})
		names.Default = []any{"apikey"}
		return refuse(record(
			with("key_names", names),
			with("hide_credentials", boolean(false)),
			with("key_in_query", boolean(true)),
			with("anonymous", str()),
		), "key_in_header", "key_in_body", "run_on_preflight", "realm")
	case ACLName:
		return refuse(record(
			required("allow", list(str())),
			with("hide_groups_header", boolean(false)),
		), "deny", "always_use_authenticated_groups")
	case RequestTransformerName:
		return refuse(record(
			with("remove", refuse(record(with("headers", list(headerName()))), "body", "querystring")),
			with("add", refuse(record(with("headers", list(headerPair()))), "body", "querystring")),
		), "rename", "replace", "append", "http_method")
	default:
		return nil
	}
}

// inKong reports whether Kong bundles a plugin that the dev gateway does not support.
func inKong(name string) bool {
	return slices.Contains([]string{
		"acme", "ai-prompt-decorator", "ai-prompt-guard", "ai-prompt-template", "ai-proxy",
		"ai-request-transformer", "ai-response-transformer", "aws-lambda", "azure-functions", "basic-auth",
		"bot-detection", "correlation-id", "cors", "datadog", "file-log", "grpc-gateway", "grpc-web",
		"hmac-auth", "http-log", "ip-restriction", "ldap-auth", "loggly", "oauth2", "opentelemetry",
		"post-function", "pre-function", "prometheus", "proxy-cache", "rate-limiting", "redirect",
		"request-size-limiting", "request-termination", "response-ratelimiting",
		"response-transformer", "session", "standard-webhooks", "statsd", "syslog", "tcp-log", "udp-log", "zipkin",
	}, name)
}
