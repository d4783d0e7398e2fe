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

// AddRetryAfter is the value of KONG_NGINX_PROXY_ADD_HEADER that sends the header.
const AddRetryAfter = "Retry-After $gatehouse_retry_after always"
