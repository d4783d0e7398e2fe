package filelock_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/filelock"
)

// TestTake: one has it at a time, who waits is told once, and gets it when it is free.
func TestTake(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	open := func() *os.File {
		f, err := os.Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	first := open()
	if err := filelock.Take(t.Context(), first, func() { t.Error("it waits for nobody") }); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	waits := 0
	if err := filelock.Take(short, open(), func() { waits++ }); !errors.Is(err, filelock.ErrTaken) || waits != 1 {
		t.Errorf("error %v after %d lines", err, waits)
	}
	err := filelock.Take(t.Context(), open(), func() { _ = first.Close() })
	if err != nil {
		t.Errorf("of a lock that is free again: %v", err)
	}
}

func TestTakeNothing(t *testing.T) {
	t.Parallel()
	f, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if err := filelock.Take(t.Context(), f, func() {}); err == nil || errors.Is(err, filelock.ErrTaken) {
		t.Errorf("of a closed file: %v", err)
	}
}
