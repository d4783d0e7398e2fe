// Package devgateway is a stand-in for Kong's data plane on machines without
// Kong: a test double that reads the same declarative configuration and drives
// the same plugin server over the same socket.
//
// It supports what this repository's kong.yaml uses and refuses the rest by
// name. It follows Kong's source at 3.9.1; where it differs, Kong is right. The
// differences that are known:
//
//   - It passes a response on piece by piece. Kong holds pieces back until a
//     buffer is full, unless the route says response_buffering: false.
//   - It has one worker, no TLS listener, and trusts no proxy in front
//     (trusted_ips).
//   - net/http answers a malformed request itself, with a bare 400, and sends
//     headers in its own order and spelling.
//   - request.size and response.size are computed from the headers as HTTP/1.1
//     writes them, without the framing of chunks.
//   - Credentials have random ids and get new ones on each load, as in Kong; log
//     events are not limited to 4,096 at a time.
//   - key-auth does not look into multipart bodies.
package devgateway
