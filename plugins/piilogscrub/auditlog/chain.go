package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditchain"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/auditread"
)

// openLines is the log whose lines go to out, chained where there is a key. broken says
// why out takes none, and closeOut closes it.
func openLines(o Options, out io.Writer, broken func() error, closeOut func(context.Context) error) *Log {
	if o.ChainKey == nil {
		return &Log{Handler: NewHandler(out), broken: broken, close: closeOut}
	}
	before, err := lastStates(o.Target)
	if err != nil {
		o.Logger.Warn("what stands in the audit log is not all named in its next chain", "error", err)
	}
	chain := auditchain.NewWriter(out, o.ChainKey, before)
	return &Log{Handler: NewHandler(chain), broken: broken, close: func(ctx context.Context) error {
		return errors.Join(chain.Close(), closeOut(ctx))
	}}
}

// tailBytes is how much of a file is looked at for chains that others wrote: some
// thousand records.
const tailBytes = 1 << 20

// lastStates is what the chains at the end of the log's newest file have come to that is
// not empty.
func lastStates(target string) ([]auditchain.State, error) {
	if target == "" || target == Stdout {
		return nil, nil
	}
	files, err := auditread.OfLog(target)
	if err != nil {
		return nil, fmt.Errorf("find audit files: %w", err)
	}
	for _, f := range slices.Backward(files) {
		if info, err := os.Stat(f.Path); err != nil || info.Size() == 0 {
			continue
		}
		r, err := auditread.OpenTail(f.Path, tailBytes)
		if err != nil {
			return nil, fmt.Errorf("read audit chains: %w", err)
		}
		defer r.Close()
		return auditchain.LastStates(r)
	}
	return nil, nil
}
