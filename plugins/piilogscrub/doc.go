// Package piilogscrub is the Kong plugin pii-log-scrub: no personal data, card
// number or credential in any log, and an audit record of every call.
//
// Enabled globally, its rewrite phase sees every request, those that Kong
// answers itself (401, 404, 502) included, and puts scrubbed text in place of
// the request in what kong.log.serialize gives to all log plugins: request.uri,
// request.url, request.querystring, request.headers, upstream_uri and client_ip.
// Enabled on a route only, the access phase does the same. Response headers are
// not known before the response: they are taken out of the serialized table, and
// those that the configuration lists are written, scrubbed, to the audit record.
//
// The log phase writes the audit record: who did what, when, with which outcome,
// as one JSON line; where to, the package auditlog says.
//
// It fails closed: a text that cannot be examined, read from Kong or handed to it is
// replaced by the marker "[dropped]".
//
// What is decided is decided below, in packages that know no Kong: what a text holds and
// what becomes of it in scrub, what log plugins are to write in requestlog, and what an
// audit record holds in audit. nginx's own access and error log, which no plugin can
// reach, is received by nginxlog.
package piilogscrub
