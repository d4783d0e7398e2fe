package faults

import (
	_ "embed" // for the source
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed preload/clock.c
var clockSource []byte

// compiler is what a machine lacks on which Redis' clock cannot be set.
func compiler() string {
	if _, err := exec.LookPath("cc"); err != nil {
		return "C compiler (cc)"
	}
	return ""
}

// prepareClock builds what has Redis see another time, and returns Redis' environment.
func (f *fleet) prepareClock() (env []string, err error) {
	if err := f.setClock(0); err != nil {
		return nil, err
	}
	source, library := filepath.Join(f.dir, "clock.c"), filepath.Join(f.dir, "clock.so")
	if err := os.WriteFile(source, clockSource, 0o644); err != nil {
		return nil, err
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build Redis' clock: %w: %s", err, out)
	}
	return []string{"LD_PRELOAD=" + library, "CLOCK_AHEAD_FILE=" + f.clock()}, nil
}

// clock is the file that says by how much Redis' clock is ahead.
func (f *fleet) clock() string { return filepath.Join(f.dir, "clock") }

// setClock writes it in place: Redis has it mapped.
func (f *fleet) setClock(ahead time.Duration) error {
	file, err := os.OpenFile(f.clock(), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := binary.Write(file, binary.NativeEndian, int64(ahead/time.Second)); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
