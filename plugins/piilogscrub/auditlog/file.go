package auditlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/DeRuina/timberjack"
)

const (
	// maxFileMegabytes is where a day's file is rotated before the day is over.
	maxFileMegabytes = 256
	fileMode         = 0o640 // whoever reads the audit log is in the group
)

// openFile opens the file at the target's path. It is rotated at midnight UTC,
// since a file goes as a whole: one that held more than a day would keep a record
// for longer than the retention. So a record is kept for that long and up to two
// days more.
func openFile(o Options) (*Log, error) {
	if err := checkFile(o.Target); err != nil {
		return nil, fmt.Errorf("audit log %q: %w; use %s, %s or the path of a file that can be written to", o.Target, err, Stdout, OTLP)
	}
	file := &timberjack.Logger{
		Filename: o.Target, FileMode: fileMode,
		MaxSize: maxFileMegabytes, MaxAge: o.RetentionDays, RotateAt: []string{"00:00"},
		Compression: "gzip",
	}
	return openLines(o, file, func() error {
		if err := file.Close(); err != nil {
			return fmt.Errorf("close audit log: %w", err)
		}
		return nil
	}), nil
}

// checkFile reports why a file cannot be appended to.
func checkFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no regular file")
	}
	return errors.Join(err, file.Close())
}
