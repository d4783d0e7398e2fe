package scrub

// patterns are what one would write for the same kinds as regular expressions:
// without check digits, context or decoding.
var patterns = []string{
	`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`,
	`\b(?:\d[ -]?){12,18}\d\b`,
	`\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b`,
	`\b\d{3}-\d{2}-\d{4}\b`,
	`(?:\+|%2B)\d{8,15}\b|\(?\b\d{2,4}\)?[ .-]\d{3,4}[ .-]\d{3,4}\b`,
	`\b(?:\d{1,3}\.){3}\d{1,3}\b`,
	`\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`,
	`(?i)\b(?:bearer|basic) [A-Za-z0-9._~+/=-]{8,}`,
	`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bAIza[A-Za-z0-9_-]{35}\b`,
	`(?i)\b(?:password|api_?key|token|secret)=[^&\s"]+`,
}
