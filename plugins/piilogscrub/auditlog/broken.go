package auditlog

import (
	"errors"
	"os"
	"time"
)

const (
	// probeEvery is how often it is tried whether a record could be written again.
	probeEvery = time.Second
	probeSize  = 64 << 10 // bytes, more than most records
)

// broken is why the last record was not written, or nil. It waits for no disk.
func (f *file) broken() error {
	if err := f.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// fail remembers that a record was not written. A node that is taken out of rotation for
// it has no further record, so whether one could be written is tried from then on.
func (f *file) fail(err error) {
	f.failedAt = time.Now()
	if f.failed.Swap(&err) == nil && !f.closed {
		f.work.Go(f.probeUntilRecovered)
	}
}

func (f *file) recovered() {
	if f.failed.Swap(nil) != nil {
		f.logger.Info("audit records can be written again", "file", f.path)
	}
}

func (f *file) probeUntilRecovered() {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for f.broken() != nil {
		select {
		case <-ticker.C:
			f.probe()
		case <-f.ended.Done():
			return
		}
	}
}

// probe tries to open the file and to write another beside it, unless records say it all.
func (f *file) probe() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.failedAt) < probeEvery {
		return
	}
	if _, err := f.follow(); err != nil {
		return
	}
	name := f.path + ".probe"
	if errors.Join(os.WriteFile(name, make([]byte, probeSize), fileMode), os.Remove(name)) == nil {
		f.recovered()
	}
}
