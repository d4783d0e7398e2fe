// Package lifecycle decides what becomes of a request to an API version that is going
// to end: which headers announce the end (Deprecation, RFC 9745; Sunset, RFC 8594; Link,
// RFC 8288), whether the version is in a brownout or has ended, and what a refused
// caller reads.
//
// It asks nobody: it takes the terms, the time and who is calling.
package lifecycle
