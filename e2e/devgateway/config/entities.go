package config

import (
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// The definitions below are Kong's own (kong/db/schema/entities at 3.9.1), cut
// down to what the dev gateway supports. A field that Kong has and the dev
// gateway has not is named too, so that it is refused for what it is.

func document(plugins *schema.Field) *schema.Field {
	upstream, consumer := upstreamFields(), consumerFields(plugins)
	route := routeFields(plugins)
	f := record(
		required("_format_version", &schema.Field{Type: "string", Check: formatVersion}),
		with("_transform", boolean(true)),
		with("_comment", str()),
		with("services", list(serviceFields(route, plugins))),
		with("routes", list(route)),
		with("upstreams", list(upstream)),
		with("consumers", list(consumer)),
		with("plugins", list(plugins)),
	)
	return refuse(f, "_ignore", "_info", "certificates", "ca_certificates", "snis", "targets", "vaults", "keys",
		"key_sets", "filter_chains", "workspaces", "parameters", "acls", "jwt_secrets", "keyauth_credentials",
		"basicauth_credentials", "hmacauth_credentials", "oauth2_credentials", "consumer_groups")
}

func formatVersion(v any) string {
	if v == "1.1" || v == "2.1" {
		return `the dev gateway does not support it; use _format_version: "3.0"`
	}
	if v != "3.0" {
		return "expected one of: 1.1, 2.1, 3.0"
	}
	return ""
}

func serviceFields(route, plugins *schema.Field) *schema.Field {
	timeout := func() *schema.Field { return integer(60000, 1, 1<<31-2) }
	f := record(append(meta(),
		with("name", checked(utf8Name)),
		with("protocol", &schema.Field{Type: "string", Required: yes(), Default: "http", Check: onString(httpProtocol)}),
		required("host", checked(hostWithoutPort)),
		with("port", require(integer(80, 0, 65535))),
		with("path", pathField()),
		with("retries", integer(5, 0, 32767)),
		with("connect_timeout", timeout()),
		with("write_timeout", timeout()),
		with("read_timeout", timeout()),
		with("enabled", require(boolean(true))),
		with("routes", list(route)),
		with("plugins", list(plugins)),
	)...)
	return refuse(f, "client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates", "filter_chains")
}

func routeFields(plugins *schema.Field) *schema.Field {
	codes := []any{426.0, 301.0, 302.0, 307.0, 308.0}
	f := record(append(meta(),
		with("name", checked(utf8Name)),
		with("protocols", &schema.Field{Type: "set", Required: yes(), LenMin: ptr(1),
			Default: []any{"http", "https"}, Elements: checked(httpProtocol)}),
		with("methods", &schema.Field{Type: "set", Elements: &schema.Field{Type: "string", Match: "^%u+$"}}),
		with("hosts", list(hostField())),
		with("paths", list(routePath())),
		with("headers", &schema.Field{Type: "map", Keys: checked(routeHeader), Values: list(str())}),
		with("https_redirect_status_code", &schema.Field{Type: "integer", Required: yes(), Default: 426.0, OneOf: codes}),
		with("regex_priority", &schema.Field{Type: "integer", Default: 0.0}),
		with("strip_path", require(boolean(true))),
		with("preserve_host", require(boolean(false))),
		with("request_buffering", require(boolean(true))),
		with("response_buffering", require(boolean(true))),
		with("path_handling", &schema.Field{Type: "string", Default: "v0", Check: onString(pathHandling)}),
		with("service", str()),
		with("plugins", list(plugins)),
	)...)
	f.EntityChecks = rule("conditional_at_least_one_of", `{
		"if_field": "protocols", "if_match": {"contains": "https"},
		"then_at_least_one_of": ["methods", "hosts", "headers", "paths", "snis"],
		"then_err": "must set one of %s when 'protocols' is 'https'",
		"else_match": {"contains": "http"},
		"else_then_at_least_one_of": ["methods", "hosts", "headers", "paths"],
		"else_then_err": "must set one of %s when 'protocols' is 'http'"}`)
	return refuse(f, "snis", "sources", "destinations", "expression", "priority", "filter_chains")
}

func upstreamFields() *schema.Field {
	target := record(append(meta(),
		required("target", checked(targetAddress)),
		with("weight", integer(100, 0, 65535)),
	)...)
	f := record(append(meta(),
		required("name", checked(upstreamName)),
		with("algorithm", &schema.Field{Type: "string", Default: "round-robin", Check: onString(algorithm)}),
		with("host_header", str()),
		with("targets", list(target)),
	)...)
	return refuse(f, "hash_on", "hash_fallback", "hash_on_header", "hash_fallback_header", "hash_on_cookie",
		"hash_on_cookie_path", "hash_on_query_arg", "hash_fallback_query_arg", "hash_on_uri_capture",
		"hash_fallback_uri_capture", "slots", "healthchecks", "client_certificate", "use_srv_name")
}

func consumerFields(plugins *schema.Field) *schema.Field {
	jwt := record(append(meta(),
		with("key", str()), with("secret", str()), with("rsa_public_key", checked(publicKey)),
		with("algorithm", &schema.Field{Type: "string", Default: "HS256", Check: onString(jwtAlgorithm)}),
	)...)
	jwt.EntityChecks = rule("conditional", `{
		"if_field": "algorithm", "if_match": {"match": "^RS%d%d%d$"},
		"then_field": "rsa_public_key", "then_match": {"required": true}}`)
	key := refuse(record(append(meta(), with("key", str()))...), "ttl")
	acl := record(append(meta(), required("group", str()))...)
	f := record(append(meta(),
		with("username", str()), with("custom_id", str()),
		with("jwt_secrets", list(jwt)), with("keyauth_credentials", list(key)), with("acls", list(acl)),
		with("plugins", list(plugins)),
	)...)
	f.EntityChecks = rule("at_least_one_of", `["custom_id", "username"]`)
	return refuse(f, "basicauth_credentials", "hmacauth_credentials", "oauth2_credentials", "acme_storage", "groups")
}

// pluginFields is a plugin without its config, which depends on its name.
func pluginFields() *schema.Field {
	f := record(append(meta(),
		required("name", str()),
		with("instance_name", checked(utf8Name)),
		with("enabled", require(boolean(true))),
		with("protocols", &schema.Field{Type: "set", Required: yes(),
			Default:  []any{"grpc", "grpcs", "http", "https"},
			Elements: &schema.Field{Type: "string", OneOf: []any{"grpc", "grpcs", "http", "https"}}}),
		with("route", str()), with("service", str()), with("consumer", str()),
	)...)
	return refuse(f, "ordering", "consumer_group")
}

func meta() []schema.Named {
	return []schema.Named{
		with("id", &schema.Field{Type: "string", UUID: true}),
		with("created_at", &schema.Field{Type: "integer", Timestamp: true}),
		with("updated_at", &schema.Field{Type: "integer"}),
		with("tags", &schema.Field{Type: "set", Elements: str()}),
		with("_comment", str()),
	}
}

// refuse adds fields that Kong has and the dev gateway has not.
func refuse(f *schema.Field, names ...string) *schema.Field {
	var supported []string
	for _, name := range f.Fields.Names() {
		if !strings.HasPrefix(name, "_") {
			supported = append(supported, name)
		}
	}
	why := notSupported(supported)
	for _, name := range names {
		f.Fields = append(f.Fields, with(name, &schema.Field{Type: "any", Unsupported: why}))
	}
	return f
}
