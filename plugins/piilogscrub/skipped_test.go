package piilogscrub_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
)

// TestSkippedLogPhaseIsALostRecord: what the plugin server does not run counts as a record
// that failed, where there is to be one.
func TestSkippedLogPhaseIsALostRecord(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		audit, phase string
		want         float64
	}{
		"log":             {"on", "log", 1},
		"log, no records": {"off", "log", 0},
		"access":          {"on", "access", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := prometheus.NewRegistry()
			config := newConfig(t, piilogscrub.Options{Registerer: registry}, func(c *piilogscrub.Config) { c.Audit = tt.audit })
			config.Skipped(tt.phase)
			if got, err := testutil.GatherAndCount(registry, "gatehouse_audit_records_total"); err != nil || float64(got) != tt.want {
				t.Errorf("lost records: %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}
