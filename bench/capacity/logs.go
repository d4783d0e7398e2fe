package capacity

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gatehousehq/gatehouse/bench/httpload"
)

// written is how long lines may take until they are in the log.
const written = 2 * time.Second

// takeLogs measures the lines that requests leave, audit records and nginx's access lines, as
// they are written and compressed by gzip, as files that are kept are.
func (s *system) takeLogs(ctx context.Context, w io.Writer) error {
	const format = "%-44v %9v %13v %11v %12v %11v\n"
	fmt.Fprintf(w, "\nbytes of log lines for a request, of 100 tenants\n")
	fmt.Fprintf(w, format, "", "requests", "audit record", "compressed", "access line", "compressed")
	var failed []error
	row := func(what string, g *gate, path string) {
		found, requests, err := lines(ctx, g, path)
		if err != nil {
			fmt.Fprintf(w, format, what, "failed", "", "", "", "")
			failed = append(failed, fmt.Errorf("%s: %w", what, err))
			return
		}
		fmt.Fprintf(w, format, what, requests, found.audit.whole/requests, found.audit.compressed/requests, found.access.whole/requests, found.access.compressed/requests)
	}
	row("orders, one hop, access line", s.line, "/orders?limit=5")
	row("orders, one hop, log event", s.event, "/orders?limit=5")
	for _, n := range urlLengths {
		row(fmt.Sprintf("the same, access line, bytes of URL: %d", n), s.line, longURL("/orders", n))
	}
	return errors.Join(failed...)
}

// volume is what was written of each kind of line, and amount how many bytes that is.
type (
	volume struct{ audit, access amount }
	amount struct{ whole, compressed int64 }
)

func lines(ctx context.Context, g *gate, path string) (found volume, requests int64, err error) {
	before, err := g.Log()
	if err != nil {
		return volume{}, 0, err
	}
	load, err := byTenants(g, path, 100)
	if err != nil {
		return volume{}, 0, err
	}
	load.Pause = httpload.Pause(load.Clients, perSecond)
	o, err := load.Run(ctx, length)
	if err != nil {
		return volume{}, 0, err
	}
	time.Sleep(written)
	after, err := g.Log()
	if err != nil {
		return volume{}, 0, err
	}
	found, records, err := volumeOf(after[len(before):])
	if err == nil && records != o.Requests {
		err = fmt.Errorf("%d audit records of %d requests", records, o.Requests)
	}
	return found, o.Requests, err
}

// volumeOf reads the gateway's log.
func volumeOf(log []byte) (found volume, records int64, err error) {
	var audit, access bytes.Buffer
	for line := range bytes.Lines(log) {
		switch {
		case bytes.Contains(line, []byte(`"log":"audit"`)):
			records++
			audit.Write(line)
		case bytes.Contains(line, []byte(`"log":"access"`)):
			access.Write(line)
		}
	}
	if found.audit, err = sized(audit.Bytes()); err != nil {
		return volume{}, 0, err
	}
	found.access, err = sized(access.Bytes())
	return found, records, err
}

func sized(lines []byte) (amount, error) {
	var packed bytes.Buffer
	compress := gzip.NewWriter(&packed)
	if _, err := compress.Write(lines); err != nil {
		return amount{}, err
	}
	err := compress.Close()
	return amount{int64(len(lines)), int64(packed.Len())}, err
}
