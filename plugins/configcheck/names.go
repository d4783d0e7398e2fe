package configcheck

import (
	"fmt"
	"strings"
)

// nearNames warns of two entities whose names differ in case only: Kong takes them for two,
// and so does a merge.
func (r *Report) nearNames(document any) {
	root, _ := document.(map[string]any)
	for _, of := range []struct{ kind, field string }{{"consumers", "username"}, {"routes", "name"}, {"services", "name"}, {"upstreams", "name"}} {
		type named struct{ where, name string }
		first := map[string]named{}
		add := func(where string, e map[string]any) {
			name, _ := e[of.field].(string)
			where = strings.TrimSuffix(where, " "+name)
			before, there := first[strings.ToLower(name)]
			switch {
			case !there:
				first[strings.ToLower(name)] = named{where, name}
			case before.name != name:
				r.add(Warning, where, fmt.Errorf("%s: %q and %q of %s differ in case only: Kong takes them for two; if they are one, write one", of.field, name, before.name, before.where))
			}
		}
		everywhere(root, of.kind, add)
	}
}
