package pluginserver

// phase is an event of Kong, an index into handlers.
type phase uint8

const (
	certificate phase = iota
	rewrite
	access
	response
	preread
	logging
	phaseCount
)

// phaseNames are Kong's names of the phases, in the order of go-pdk's server.
var phaseNames = [phaseCount]string{"certificate", "rewrite", "access", "response", "preread", "log"}

// phaseOf finds a phase by Kong's name. It does not allocate.
func phaseOf(name []byte) (phase, bool) {
	for p, known := range phaseNames {
		if string(name) == known {
			return phase(p), true
		}
	}
	return 0, false
}
