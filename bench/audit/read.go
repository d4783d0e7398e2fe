package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// truthFormat is nginx's log_format of its own log of the requests: calls reads it.
const truthFormat = "log_format truth escape=none '$kong_request_id $status $bytes_sent $request_time';\n"

// readCalls reads nginx's own log, by Kong's request id.
func readCalls(path string) (map[string]call, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read nginx's own log: %w", err)
	}
	calls := map[string]call{}
	for line := range strings.Lines(string(text)) {
		var id string
		var c call
		if _, err := fmt.Sscan(line, &id, &c.status, &c.size, &c.seconds); err != nil {
			return nil, fmt.Errorf("read nginx's own log: line %q: %w", line, err)
		}
		calls[id] = c
	}
	return calls, nil
}

// parseRecords finds the audit records among lines. What is no whole line of JSON is no
// record.
func parseRecords(lines io.Reader) (records []record, err error) {
	in := bufio.NewReader(lines)
	for {
		line, err := in.ReadBytes('\n')
		var r record
		if bytes.Contains(line, []byte(`"log":"audit"`)) && json.Unmarshal(line, &r) == nil {
			records = append(records, r)
		}
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, fmt.Errorf("read audit records: %w", err)
		}
	}
}

// readRecords reads the records in a file, from an offset on, at most so many bytes. A
// file that is gone has none.
func readRecords(path string, offset, most int64) ([]record, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if !strings.HasSuffix(path, ".gz") {
		return parseRecords(io.NewSectionReader(file, offset, most))
	}
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return parseRecords(unzipped)
}

// lostLines is how many records the gateway's log says that a process which ended has
// lost: nobody can ask its metrics any more.
func lostLines(log []byte) (lost int) {
	for line := range bytes.Lines(log) {
		var said struct {
			Level string `json:"level"`
			Lost  int    `json:"lost"`
		}
		if bytes.Contains(line, []byte(`"lost":`)) && json.Unmarshal(line, &said) == nil && said.Level == "ERROR" {
			lost += said.Lost
		}
	}
	return lost
}

// counters are a server's counters of lost records, and when its process began.
type counters struct {
	process string
	lost    float64
}

// lossCounters begin the series that count records which are lost.
var lossCounters = []string{
	`gatehouse_audit_records_total{outcome="failed"}`,
	`gatehouse_audit_export_total{outcome="failed"}`,
	`gatehouse_audit_export_total{outcome="queue full"}`,
	`gatehouse_audit_export_total{outcome="killed"}`,
}

// parseCounters reads metrics in Prometheus' text format.
func parseCounters(metrics []byte) (c counters) {
	for line := range strings.Lines(string(metrics)) {
		series, value, _ := cutLast(strings.TrimSpace(line), " ")
		if series == "process_start_time_seconds" {
			c.process = value
		}
		for _, prefix := range lossCounters {
			if strings.HasPrefix(series, prefix) {
				n, _ := strconv.ParseFloat(value, 64)
				c.lost += n
			}
		}
	}
	return c
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
