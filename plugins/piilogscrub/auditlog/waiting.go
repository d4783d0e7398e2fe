package auditlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// takeOver counts the records that the last process had in its queue when it was killed,
// and has this one's counted at path, if that is not empty.
func (q *queue) takeOver(path string) error {
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	var left [8]byte
	if _, err := file.ReadAt(left[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("read %s: %w", path, err), file.Close())
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = file
	q.counts.killed = int(binary.LittleEndian.Uint64(left[:])) //nolint:gosec // at most MaxQueueSize
	if q.counts.killed > 0 {
		q.logger.Error("audit records are lost: the last process was killed while they waited", "records", q.counts.killed)
	}
	q.note()
	return nil
}

// note writes how many records wait. If it cannot, a process that is killed may be
// counted wrong, and nothing else is.
func (q *queue) note() {
	if q.waiting != nil {
		_, _ = q.waiting.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(len(q.records))), 0)
	}
}

// handOver leaves the count to the next process. This one counts what it still has itself.
func (q *queue) handOver() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting != nil {
		_, _ = q.waiting.WriteAt(make([]byte, 8), 0)
		_ = q.waiting.Close()
		q.waiting = nil
	}
}
