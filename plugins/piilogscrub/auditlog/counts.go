package auditlog

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// counts are what became of the records of a queue.
type counts struct {
	exported, failed, full int
	killed                 int // of the last process's queue
}

var (
	exportDesc = prometheus.NewDesc("gatehouse_audit_export_total",
		"Audit records sent over OTLP, by outcome: exported, failed, queue full, or killed: they waited in the last process.", []string{"outcome"}, nil)
	waitingDesc = prometheus.NewDesc("gatehouse_audit_export_waiting",
		"Audit records that wait to be sent over OTLP, or are under way.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (q *queue) Describe(ch chan<- *prometheus.Desc) { ch <- exportDesc; ch <- waitingDesc }

// Collect implements [prometheus.Collector]. The counts are of one moment: together they
// are all records that were made, but for those of the last process.
func (q *queue) Collect(ch chan<- prometheus.Metric) {
	q.mu.Lock()
	n, waiting := q.counts, len(q.records)
	q.mu.Unlock()
	for outcome, count := range map[string]int{"exported": n.exported, "failed": n.failed, "queue full": n.full, "killed": n.killed} {
		ch <- prometheus.MustNewConstMetric(exportDesc, prometheus.CounterValue, float64(count), outcome)
	}
	ch <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(waiting))
}

// cause is why a receiver took no records; a queue may also fill without an error.
func cause(err error) error {
	if err == nil {
		return errors.New("more records come than the receiver takes")
	}
	return err
}
