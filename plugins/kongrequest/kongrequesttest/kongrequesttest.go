// Package kongrequesttest plays an nginx that has the composite variable, for
// tests of plugins that read it.
package kongrequesttest

import (
	"maps"
	"strings"
	"testing"

	pdk "github.com/Kong/go-pdk"

	"github.com/gatehousehq/gatehouse/plugins/kongrequest"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// Installed is a request of which Kong's nginx includes the file that
// [kongrequest.Include] returns. The variable's value is made of that text and of
// the single variables, as nginx does it.
func Installed(t testing.TB, req kongtest.Request) kongtest.Request {
	t.Helper()
	_, rest, _ := strings.Cut(kongrequest.Include(), `default "`)
	template, _, found := strings.Cut(rest, `"`)
	if !found {
		t.Fatal("the include file has no default value in quotes")
	}
	template = strings.ReplaceAll(template, `\n`, "\n")
	var singles []string
	kongtest.Run(t, func(kong *pdk.PDK) {
		event := new(kongrequest.Source).Open(kong)
		for _, v := range kongrequest.Variables() {
			single, err := event.Var(v)
			if err != nil {
				t.Error(err)
			}
			singles = append(singles, "$"+v.String(), single)
		}
	}, req)
	req.Vars = maps.Clone(req.Vars)
	if req.Vars == nil {
		req.Vars = map[string]string{}
	}
	req.Vars[kongrequest.Composite] = strings.NewReplacer(singles...).Replace(template)
	return req
}
