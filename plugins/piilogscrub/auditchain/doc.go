// Package auditchain chains the lines of an audit log, so that a record that was taken
// out, changed, added or moved shows, and finds that out.
//
// A [Writer] adds three fields to the end of each line, and a fourth to those that it
// signs:
//
//	…,"chain":"5f0c8a1be2d94c67","seq":17,"prev":"<64 hex digits>"}
//	…,"chain":"5f0c8a1be2d94c67","seq":18,"prev":"<64 hex digits>","signature":"<base64>"}
//
// chain is random, one for each process and each time that a write leaves it unknown
// what is in the file. seq counts a chain's lines from 0. prev is the SHA-256 of the
// chain's line before, all of its bytes without the line feed; 64 zeros in the first.
// signature is Ed25519 (RFC 8032) over the line's bytes up to the comma before
// "signature". Lines of several chains may stand between each other.
//
// Two kinds of lines are signed. A chain's first has "log":"audit-chain", and in before
// the chains that stand in the file so far and what they had come to, unless an earlier
// first line says that already. A checkpoint, "log":"audit-checkpoint", stands a minute
// after the first line that no signature covers, and at the end of a process, where it
// has "end":true. It covers all lines of its chain before it, since each has the hash of
// the one before.
//
// The fields are the last of a line and are read from its end, in exactly this form. In
// a line that is JSON no value of another field can look like them: it would have to
// hold a quotation mark, which JSON escapes.
package auditchain
