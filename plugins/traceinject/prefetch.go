package traceinject

import "github.com/gatehousehq/gatehouse/plugins/kongrequest"

// Prefetch declares what [Tracer.Finish] asks Kong, where nearly every request needs it,
// and the reads of the other phases, where they are more than one.
func (c *Config) Prefetch(phase string) [][2]string {
	if !c.runtime.Exports() {
		return nil
	}
	if phase == "log" {
		if c.runtime.noLogPlugins || c.SampleRatio < 1 && !c.keep().Any() {
			return nil
		}
		return [][2]string{kongrequest.ReadShared(SharedKey), kongrequest.ReadRecord}
	}
	told := c.Tracer().told
	if len(told) == 0 || c.runtime.scrubber == nil {
		return nil
	}
	reads := [][2]string{kongrequest.ReadVars}
	for _, name := range told {
		reads = append(reads, kongrequest.ReadHeader(name))
	}
	return reads
}
