package callers

// All keys of a version share a slot of a Cluster, and so do the two that are of none.

// keys are those of one route.
type keys struct{ tag, index string }

func keysOf(prefix, route string) keys {
	tag := prefix + ":{sunset." + route + "}:"
	return keys{tag, tag + "callers"}
}

// caller is the key of one caller's hash.
func (k keys) caller(member string) string { return k.tag + "caller:" + member }

// routesKey is the key of a sorted set of the routes that were called, by routeKept after the
// last call.
func routesKey(prefix string) string { return prefix + ":{sunset}:routes" }

// sinceKey is the key of [Recorded.Since].
func sinceKey(prefix string) string { return prefix + ":{sunset}:since" }
