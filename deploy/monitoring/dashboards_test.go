package monitoring_test

import (
	"fmt"
	"testing"

	"github.com/gatehousehq/gatehouse/deploy/monitoring"
)

const dashboardsDir = "../grafana/dashboards"

// TestDashboards: what Grafana takes without a word, and shows wrong or not at all.
func TestDashboards(t *testing.T) {
	t.Parallel()
	all, err := monitoring.Dashboards(dashboardsDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no dashboards")
	}
	uids := map[string]string{}
	for _, d := range all {
		t.Run(d.File, func(t *testing.T) {
			if other, taken := uids[d.UID]; taken || d.UID == "" {
				t.Errorf("uid %q is %s's too: Grafana keeps one of them", d.UID, other)
			}
			uids[d.UID] = d.File
			if d.Title == "" || len(d.Tags) == 0 {
				t.Errorf("title %q, tags %q: the list of dashboards has both", d.Title, d.Tags)
			}
			if len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" {
				t.Errorf("the first variable is no datasource: in another Grafana, Prometheus has another uid")
			}
			checkPanels(t, d.Panels)
		})
	}
}

func checkPanels(t *testing.T, panels []monitoring.Panel) {
	t.Helper()
	ids, cells := map[int]bool{}, map[string]string{}
	for _, p := range panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%s: id %d is another panel's too, or none", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("panel %d: title %q, description %q, unit %q: a reader needs them all", p.ID, p.Title, p.Description, p.FieldConfig.Defaults.Unit)
		}
		for _, target := range p.Targets {
			if target.Expr == "" || target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: query %s is %q of data source %q, want one of ${datasource}", p.Title, target.RefID, target.Expr, target.Datasource.UID)
			}
		}
		if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: %d queries of data source %q", p.Title, len(p.Targets), p.Datasource.UID)
		}
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
			t.Errorf("%s: %+v is not in the 24 columns", p.Title, p.GridPos)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := fmt.Sprint(p.GridPos.X+x, ",", p.GridPos.Y+y)
				if other, taken := cells[cell]; taken && other != p.Title {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				cells[cell] = p.Title
			}
		}
	}
}
