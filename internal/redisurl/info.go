package redisurl

import "strings"

// Info is what a Redis says of itself, by field.
type Info map[string]string

// ParseInfo reads the answer to INFO. Lines that are no fields are passed over.
func ParseInfo(text string) Info {
	info := Info{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}
