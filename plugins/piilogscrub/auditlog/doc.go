// Package auditlog is where audit records go: lines of JSON on a stream or in a
// file that is rotated every day, or OpenTelemetry log records over OTLP/HTTP.
//
// A [Log] is a [slog.Handler], so that whoever makes records need not know where
// they go. The lines have neither a level nor a message: all are alike.
//
// How long records are kept is the business of whoever stores them. The rotated
// file is stored here, so its days are an option, [DefaultRetentionDays] unless
// set; the retention of a stream or of an OTLP receiver is set there.
package auditlog
