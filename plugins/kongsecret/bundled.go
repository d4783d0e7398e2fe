package kongsecret

// bundled are the fields of the plugins that come with Kong 3.9.1 whose values may be
// secrets, by their paths in the config. They are all that are referenceable or encrypted
// in kong/plugins/*/schema.lua at tag 3.9.1, with kong/tools/redis/schema.lua and
// kong/llm/schemas; what Kong takes for those under older names (shorthand_fields); and
// what request- and response-transformer add, which is how a service gets its key.
var bundled = map[string][]string{
	"acme": {"account_email", "eab_hmac_key", "eab_kid", "storage_config.consul.token", "storage_config.vault.token",
		"storage_config.redis.password", "storage_config.redis.username", "storage_config.redis.auth"},
	"ai-proxy":                aiAuth("auth."),
	"ai-request-transformer":  aiAuth("llm.auth."),
	"ai-response-transformer": aiAuth("llm.auth."),
	"aws-lambda":              {"aws_assume_role_arn", "aws_key", "aws_secret"},
	"azure-functions":         {"apikey", "clientid"},
	"datadog":                 {"host"},
	"http-log":                {"headers", "http_endpoint"},
	"loggly":                  {"key"},
	"oauth2":                  {"provision_key"},
	"opentelemetry":           {"endpoint", "headers", "logs_endpoint", "traces_endpoint"},
	"rate-limiting":           {"redis.password", "redis.username", "redis_password", "redis_username"},
	"request-transformer":     transformed("body", "headers", "querystring"),
	"response-ratelimiting":   {"redis.password", "redis.username", "redis_password", "redis_username"},
	"response-transformer":    transformed("headers", "json"),
	"session":                 {"secret"},
	"standard-webhooks":       {"secret_v1"},
}

func aiAuth(at string) []string {
	return []string{at + "aws_access_key_id", at + "aws_secret_access_key", at + "gcp_service_account_json",
		at + "header_name", at + "header_value", at + "param_name", at + "param_value"}
}

func transformed(parts ...string) (paths []string) {
	for _, part := range parts {
		paths = append(paths, "add."+part, "append."+part, "replace."+part)
	}
	return paths
}
