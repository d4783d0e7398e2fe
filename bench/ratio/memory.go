package ratio

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// ResidentMiB is the memory of a process that is in no other process' account: a page that
// several share counts in parts (proc_pid_smaps_rollup, Pss).
func ResidentMiB(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	for line := range bytes.Lines(text) {
		if fields := bytes.Fields(line); len(fields) == 3 && string(fields[0]) == "Pss:" {
			kib, err := strconv.Atoi(string(fields[1]))
			return kib >> 10, err
		}
	}
	return 0, fmt.Errorf("read the memory of process %d: no Pss", pid)
}
