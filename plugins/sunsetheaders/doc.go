// Package sunsetheaders is the Kong plugin "sunset-headers": it lets an API
// version die in public and on time. Responses announce the end
// (Deprecation, RFC 9745; Sunset, RFC 8594; Link, RFC 8288), brownouts make
// callers notice who read none of that, and after the end the version answers
// 410 Gone. Metrics say who still calls.
//
// It fails open: if Kong cannot be asked who calls, the request goes on.
package sunsetheaders
