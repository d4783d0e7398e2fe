package traceinject

// RuntimeOf lets tests close the runtime that a config is bound to.
func RuntimeOf(c *Config) *Runtime { return c.runtime }

// Reserved are the names that a response header may not have.
var Reserved = reserved
