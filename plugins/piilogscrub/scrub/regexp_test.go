package scrub

import (
	"regexp"
	"testing"
)

// expressions are what one would write for the same detectors with package
// regexp, without check digits, context or decoding.
var expressions = []*regexp.Regexp{
	regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`),
	regexp.MustCompile(`\b(?:\d[ -]?){12,18}\d\b`),
	regexp.MustCompile(`\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b`),
	regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`),
	regexp.MustCompile(`(?:\+\d{1,3}[ -]?)?\(?\d{2,4}\)?[ .-]\d{3,4}[ .-]\d{3,4}\b`),
	regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}\b`),
	regexp.MustCompile(`\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`),
	regexp.MustCompile(`(?i)\b(?:bearer|basic) [A-Za-z0-9._~+/=-]{8,}`),
	regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bAIza[A-Za-z0-9_-]{35}\b`),
	regexp.MustCompile(`(?i)\b(?:password|api_?key|token|secret)=[^&\s"]+`),
}

// BenchmarkRegexp is what the detectors are measured against: the expressions
// one after the other, without any replacement.
func BenchmarkRegexp(b *testing.B) {
	lines := bytesOf(cleanLines)
	b.SetBytes(joinedSize(cleanLines))
	b.ReportAllocs()
	for b.Loop() {
		for _, line := range lines {
			for _, re := range expressions {
				re.Match(line)
			}
		}
	}
}
