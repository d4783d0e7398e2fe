package config

import "github.com/gatehousehq/gatehouse/internal/schema"

// The definitions below are Kong's own (kong/db/schema/entities at 3.9.1), cut down to
// what the dev gateway supports. Kong's other fields are listed too, so that they are
// refused as not supported, and not as unknown.

func document(plugins *schema.Field) *schema.Field {
	return refuse(record(
		required("_format_version", &schema.Field{Type: "string", Check: formatVersion}),
		with("_transform", only(true)),
		with("services", list(serviceFields(plugins))),
		with("upstreams", list(upstreamFields())),
		with("consumers", list(consumerFields())),
		with("plugins", list(plugins)),
		with("certificates", list(certificateFields())),
		with("ca_certificates", list(caCertificateFields())),
		with("snis", list(sniFields())),
		ignored(),
	), "_comment", "_info", "routes", "targets", "vaults",
		"keys", "key_sets", "filter_chains", "workspaces", "parameters", "consumer_groups", "acls", "jwt_secrets",
		"keyauth_credentials", "basicauth_credentials", "hmacauth_credentials", "oauth2_credentials")
}

func formatVersion(v any) string {
	switch v {
	case "3.0":
		return ""
	case "1.1", "2.1":
		return `the dev gateway does not support it: write _format_version: "3.0"`
	default:
		return "expected one of: 1.1, 2.1, 3.0"
	}
}

// entity is a record with what all entities have, without an id: the dev gateway gives
// it Kong's.
func entity(fields ...schema.Named) *schema.Field { return refuse(named(fields...), "id") }

// named is an entity that may say what its id is.
func named(fields ...schema.Named) *schema.Field {
	tags := with("tags", &schema.Field{Type: "set", Elements: str()})
	return refuse(record(append(fields, tags, ignored())...), "created_at", "updated_at", "_comment")
}

// ignored is what Kong leaves out, such as the waivers of gatehouse check.
func ignored() schema.Named {
	return with("_ignore", &schema.Field{Type: "array", Elements: &schema.Field{Type: "any"}})
}

func serviceFields(plugins *schema.Field) *schema.Field {
	timeout := func() *schema.Field { return integer(60000, 1, 1<<31-2) }
	return refuse(entity(
		with("name", name()),
		required("host", host()),
		with("url", serviceURL()),
		with("protocol", &schema.Field{Type: "string", Default: "http", Check: httpOnly}),
		with("port", integer(80, 0, 65535)),
		with("path", path()),
		with("retries", integer(5, 0, 32767)),
		with("connect_timeout", timeout()),
		with("write_timeout", timeout()),
		with("read_timeout", timeout()),
		with("enabled", only(true)),
		with("client_certificate", certificateRef()),
		with("tls_verify", &schema.Field{Type: "boolean"}),
		with("tls_verify_depth", &schema.Field{Type: "integer", Between: []float64{0, 64}}),
		with("ca_certificates", list(id())),
		with("routes", list(routeFields(plugins))),
		with("plugins", list(plugins)),
	), "filter_chains")
}

func httpOnly(v any) string {
	if v == "http" || v == "https" {
		return ""
	}
	return "the dev gateway supports http and https only; " + onKong
}

// routeHeader is the name of a header that a route is met by.
func routeHeader() *schema.Field {
	name := plain(`^[\w-]+$`, "letters, digits and _ -")
	name.MatchNone = []schema.Pattern{{Pattern: "^[Hh][Oo][Ss][Tt]$", Err: "cannot contain 'host' header, which must be specified in the 'hosts' attribute"}}
	return name
}

func routeFields(plugins *schema.Field) *schema.Field {
	paths := list(path())
	paths.Check = func(v any) string {
		if given, _ := v.([]any); len(given) != 1 {
			return onePath
		}
		return ""
	}
	return refuse(entity(
		with("name", name()),
		with("protocols", only([]any{"http", "https"})),
		with("methods", &schema.Field{Type: "set", Elements: &schema.Field{Type: "string", Match: "^%u+$"}}),
		required("paths", paths),
		with("headers", &schema.Field{Type: "map", Keys: routeHeader(), Values: list(headerValue())}),
		with("https_redirect_status_code", only(426.0)),
		with("regex_priority", &schema.Field{Type: "integer", Default: 0.0}), // of paths that are expressions
		with("strip_path", boolean(true)),
		with("preserve_host", only(false)),
		with("request_buffering", only(true)),
		with("response_buffering", only(true)),
		with("path_handling", only("v0")),
		with("plugins", list(plugins)),
	), "hosts", "snis", "sources", "destinations", "expression", "priority", "service", "filter_chains")
}

// onePath is what a route is to have.
const onePath = "the dev gateway supports routes with one path only; " + onKong

func upstreamFields() *schema.Field {
	targets := list(entity(required("target", str()), with("weight", only(100.0))))
	targets.Check = func(v any) string {
		if given, _ := v.([]any); len(given) == 0 {
			return "the dev gateway supports upstreams with a target only; " + onKong
		}
		return ""
	}
	return refuse(entity(
		required("name", name()),
		required("targets", targets),
		with("algorithm", only("round-robin")),
		with("healthchecks", healthchecks()),
		with("host_header", name()),
		with("client_certificate", certificateRef()), // for health checks
	), "hash_on", "hash_fallback", "hash_on_header", "hash_fallback_header", "hash_on_cookie",
		"hash_on_cookie_path", "hash_on_query_arg", "hash_fallback_query_arg", "hash_on_uri_capture",
		"hash_fallback_uri_capture", "slots", "use_srv_name")
}

func consumerFields() *schema.Field {
	f := entity(
		with("username", str()),
		with("custom_id", str()),
		with("jwt_secrets", list(refuse(named(
			with("id", id()),
			required("key", str()),
			with("algorithm", algorithm()),
			required("rsa_public_key", publicKey()),
		), "secret"))),
		with("keyauth_credentials", list(refuse(named(with("id", id()), required("key", str())), "ttl"))),
		with("acls", list(entity(required("group", str())))),
	)
	f.EntityChecks = []schema.EntityCheck{{"at_least_one_of": []byte(`["custom_id", "username"]`)}}
	return refuse(f, "plugins", "basicauth_credentials", "hmacauth_credentials", "oauth2_credentials", "acme_storage", "groups")
}

// pluginFields is a plugin with the config that its name selects.
func pluginFields(config *schema.Field, checks []schema.EntityCheck) *schema.Field {
	f := entity(
		with("config", config),
		required("name", str()),
		with("enabled", only(true)),
		with("protocols", only([]any{"grpc", "grpcs", "http", "https"})),
	)
	f.EntityChecks = checks
	return refuse(f, "instance_name", "route", "service", "consumer", "consumer_group", "ordering")
}
