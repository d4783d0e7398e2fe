// Package onehop is the Kong plugin gatehouse: pii-log-scrub, trace-inject,
// tenant-rate-limit and sunset-headers, any of them, in one access event and one
// log event.
//
// An event costs a gateway's worker some 45 µs, a call to Kong 9 to 15 and a log
// event some 85, so four plugins cost more by how often they are asked than by
// what they do. Here they run in the order in which Kong would run the four
// (scrub, trace, limit, sunset), share what was read of the request, and write
// headers once for all.
//
// A request walks through once. In the access event, which access.go is the list of:
//
//   - read.go reads all that the sections decide by, limit.go who is asking;
//   - decide.go has each section decide, limit.go the limiter;
//   - write.go writes log fields, scrub.go the scrubber's;
//   - accessline.go keeps the request until its access line comes;
//   - write.go sets headers, or answers.
//
// nginx's access line (accessline.go) or a log event (logevent.go) tells how it ended.
// Before all that, hop.go makes a configuration ready.
//
// The plugin decides nothing itself. Each section of its configuration is the
// configuration of one of the four, and a section that fails, or panics, fails as
// its plugin would: a scrubber drops the text, a limiter admits no request whose
// identity it cannot vouch for, and the other two do nothing.
package onehop
