package endings

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// csvHeader names the columns of [Report.CSV].
var csvHeader = []string{
	"route", "consumer", "custom_id", "tenant", "ends", "then", "calls", "refused", "redirected", "would",
	"first_seen", "last_seen", "user_agents",
}

// CSV writes the rows for a spreadsheet (RFC 4180). Names are others' words: one that a
// spreadsheet would take for a formula begins with an apostrophe.
func (r *Report) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(csvHeader) // errors stay, until Flush
	for i := range r.Rows {
		_ = out.Write(r.Rows[i].cells())
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (row *Row) cells() []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	cells := []string{
		row.Route, row.Consumer, row.CustomID, row.Tenant, moment(row.Ends), string(row.Then),
		number(row.Calls), number(row.Refused), number(row.Redirected), number(row.Would),
		moment(row.First), moment(row.Last), strings.Join(row.Agents, ", "),
	}
	for i, text := range cells {
		cells[i] = noFormula(text)
	}
	return cells
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// noFormula is a cell that no spreadsheet evaluates (OWASP, CSV injection): also behind
// spaces, which some skip.
func noFormula(text string) string {
	text = strings.NewReplacer("\r", " ", "\n", " ", "\t", " ").Replace(text)
	if trimmed := strings.TrimSpace(text); trimmed != "" && strings.ContainsRune("=+-@＝＋－＠'", []rune(trimmed)[0]) {
		return "'" + text
	}
	return text
}
