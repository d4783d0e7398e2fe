// Package kong has the files that every Kong with Gatehouse is given beside its plugins',
// for programs that start one.
package kong

import _ "embed" // for the files

// Problem is Kong's error template (KONG_ERROR_TEMPLATE_JSON): the body of an answer that
// Kong makes itself, as problem details (RFC 9457). Kong puts its message for the first
// %s and the request's id for the second, and knows no status there.
//
//go:embed problem.json
var Problem string

// RetryAfter is the nginx configuration (KONG_NGINX_HTTP_INCLUDE) that defines the
// variable in AddRetryAfter.
//
//go:embed gatehouse-retry-after.conf
var RetryAfter string

// Sunset is the nginx configuration (KONG_NGINX_HTTP_INCLUDE) that sends one Deprecation
// and one Sunset where a service has its own.
//
//go:embed gatehouse-sunset.conf
var Sunset string

// AddRetryAfter is the value of KONG_NGINX_PROXY_ADD_HEADER that sends the header.
const AddRetryAfter = "Retry-After $gatehouse_retry_after always"

// VariablesHash has nginx make room for the variables that the files here add: with its own
// default it warns at each start. It is a variable of Kong's environment.
const VariablesHash = "KONG_NGINX_HTTP_VARIABLES_HASH_MAX_SIZE=2048"

// HideTraceID has nginx leave out a service's own X-Trace-Id: the gateway's, by which
// clients ask for help, would be the second of two. It is a variable of Kong's
// environment, and names the header that trace-inject's response_header names.
const HideTraceID = "KONG_NGINX_PROXY_PROXY_HIDE_HEADER=X-Trace-Id"

// Compression has nginx compress answers that are worth it, for clients that ask for it
// (https://nginx.org/en/docs/http/ngx_http_gzip_module.html), as variables of Kong's
// environment. What is behind Kong compresses nothing. Less than 1,000 bytes fit into one
// packet as they are.
var Compression = []string{
	"KONG_NGINX_PROXY_GZIP=on",
	"KONG_NGINX_PROXY_GZIP_TYPES=application/json application/problem+json application/yaml",
	"KONG_NGINX_PROXY_GZIP_MIN_LENGTH=1000",
	"KONG_NGINX_PROXY_GZIP_PROXIED=any", // a CDN in front is a client like others
	"KONG_NGINX_PROXY_GZIP_VARY=on",
}
