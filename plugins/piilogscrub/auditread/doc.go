// Package auditread reads what the package auditlog wrote: it finds a log's files,
// rotated and compressed ones too, in the order in which they were written, and picks
// records out of them. Files are streamed: a line is all that is in memory.
package auditread
