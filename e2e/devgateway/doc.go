// Package devgateway is a stand-in for Kong's data plane on machines without
// Kong: a test double that reads the same declarative configuration and drives
// the same plugin server over the same socket.
//
// It supports what this repository's kong.yaml and the end-to-end suite use, and of Kong's
// own plugins those that nearly every config has (cors, correlation-id), and
// refuses the rest by name: `make up` runs that on Kong. It follows Kong's source
// at 3.9.1; where it differs, Kong is right. The differences that are known:
//
//   - It passes a response on piece by piece. Kong holds pieces back until a
//     buffer is full, unless the route says response_buffering: false.
//   - It has one worker, makes up no certificate for its TLS listener, has no PROXY protocol,
//     and logs errors from notice on, whatever KONG_LOG_LEVEL says.
//   - net/http answers a malformed request itself, with a bare 400, and sends
//     headers in its own order and spelling. WebSockets and request targets that do
//     not begin with a slash are answered 501.
//   - What net/http refuses itself has an access line on the plain listener only: over
//     TLS its connections cannot be watched.
//   - request.size and response.size are computed from the headers as HTTP/1.1
//     writes them, without the framing of chunks.
//   - Credentials have random ids and get new ones on each load, as in Kong; log
//     events are not limited to 4,096 at a time.
//   - Connections that are kept belong to a service's CAs too. Kong's belong to the name
//     and the client certificate alone.
//   - Under `make run`, a configuration that is posted without certificates gets those of
//     the stack, and its issuers' keys, as the file that it started with did.
//   - A name is looked up in the file of KONG_DNS_HOSTSFILE when the configuration is
//     loaded. A service's host that is not there is looked up by the system, for each try;
//     a target that is not there is refused.
//   - Its own errors are JSON or plain text, as the first type in Accept says. Kong
//     weighs all of them, and knows HTML and XML too.
//   - The origins of cors are RE2's expressions, not PCRE's: what RE2 lacks is refused.
//   - Of the PDK it has what this repository's plugins call. A call to anything else is
//     answered with a 500, and named in the error log.
//   - The Admin API takes configurations and reports what is wrong in them by entity. It
//     answers a good one with its entities, without certificates and without what is null.
//     Errors about the document itself stand under their path in fields, and in message as
//     JSON.
//
// The packages, in the order in which a request meets them: config has the
// configuration, router finds the route, auth, transform, cors and correlationid have
// Kong's own plugins, pluginclient calls the plugin server and pdkserver answers it,
// upstream asks the service.
// exchange is the request and its response on their way, nginxlog writes the logs.
// This package ties them together: flow.go is the way of a request.
package devgateway
