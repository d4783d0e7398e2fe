package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// The names of Kong's plugins that the dev gateway supports.
const (
	JWTName                = "jwt"
	KeyAuthName            = "key-auth"
	ACLName                = "acl"
	RequestTransformerName = "request-transformer"
	CORSName               = "cors"
	CorrelationIDName      = "correlation-id"
)

// priorities are Kong's, of the bundled plugins that the dev gateway supports.
var priorities = map[string]int{
	CorrelationIDName: 100001, CORSName: 2000, JWTName: 1450, KeyAuthName: 1250, ACLName: 950, RequestTransformerName: 801,
}

// Priority of a plugin: Kong's for a bundled plugin, and for any other what its server
// says.
func (p *Plugin) Priority() int {
	if p.Info != nil {
		return p.Info.Priority
	}
	return priorities[p.Name]
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
	case CORSName:
		return corsConfig()
	case CorrelationIDName:
		return record(
			with("header_name", &schema.Field{Type: "string", Default: "Kong-Request-ID"}),
			required("generator", &schema.Field{Type: "string", Default: "uuid#counter", OneOf: []any{"uuid", "uuid#counter", "tracker"}}),
			required("echo_downstream", boolean(false)),
		)
	default:
		return nil
	}
}

// corsMethods are those that cors allows.
var corsMethods = []any{"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"}

func corsConfig() *schema.Field {
	methods := list(&schema.Field{Type: "string", OneOf: corsMethods})
	methods.Default = corsMethods
	return record(
		with("origins", list(originField())),
		with("headers", list(str())),
		with("exposed_headers", list(str())),
		with("methods", methods),
		with("max_age", &schema.Field{Type: "number"}),
		required("credentials", boolean(false)),
		required("private_network", boolean(false)),
		required("preflight_continue", boolean(false)),
	)
}

// originField is an origin: *, a text, or an expression, which Kong reads as PCRE's and the
// dev gateway as RE2's.
func originField() *schema.Field {
	return &schema.Field{Type: "string", Check: func(v any) string {
		text, _ := v.(string)
		_, err := regexp.Compile(text)
		var bad *syntax.Error
		switch {
		case text == "*" || err == nil:
			return ""
		case errors.As(err, &bad) && slices.Contains(onlyPCRE, bad.Code):
			return fmt.Sprintf("%q: the dev gateway supports RE2's expressions only, which have no %s; %s", text, bad.Expr, onKong)
		default:
			return fmt.Sprintf("'%s' is not a valid regex", text)
		}
	}}
}

// onlyPCRE is what is wrong in RE2 with what is right in PCRE: looking ahead and back,
// references, and possessive or many repetitions.
var onlyPCRE = []syntax.ErrorCode{
	syntax.ErrInvalidPerlOp, syntax.ErrInvalidNamedCapture, syntax.ErrInvalidEscape, syntax.ErrInvalidRepeatOp, syntax.ErrInvalidRepeatSize, syntax.ErrLarge,
}

// notHere are the plugins that Kong bundles and the dev gateway does not support.
var notHere = []string{
	"acme", "ai-prompt-decorator", "ai-prompt-guard", "ai-prompt-template", "ai-proxy",
	"ai-request-transformer", "ai-response-transformer", "aws-lambda", "azure-functions", "basic-auth",
	"bot-detection", "datadog", "file-log", "grpc-gateway", "grpc-web",
	"hmac-auth", "http-log", "ip-restriction", "ldap-auth", "loggly", "oauth2", "opentelemetry",
	"post-function", "pre-function", "prometheus", "proxy-cache", "rate-limiting", "redirect",
	"request-size-limiting", "request-termination", "response-ratelimiting",
	"response-transformer", "session", "standard-webhooks", "statsd", "syslog", "tcp-log", "udp-log", "zipkin",
}

func inKong(name string) bool { return slices.Contains(notHere, name) }
