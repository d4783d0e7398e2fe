package traceinject

import "github.com/gatehousehq/gatehouse/plugins/kongrequest"

// Prefetch declares what [Tracer.Finish] asks Kong, where nearly every trace is
// sampled. The access phase has one read.
func (c *Config) Prefetch(phase string) [][2]string {
	if phase != "log" || !c.runtime.Exports() || c.runtime.noLogPlugins || c.SampleRatio < 1 {
		return nil
	}
	return [][2]string{kongrequest.ReadShared(SharedKey), kongrequest.ReadRecord}
}
