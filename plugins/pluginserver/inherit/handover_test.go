package inherit

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
)

// handover is one that a parent holds.
func handover(t *testing.T) *Handover {
	t.Helper()
	give, take, err := NewHandover()
	if err != nil {
		t.Fatal(err)
	}
	h, err := Files{Give: give, Take: take}.Handover()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(h.give.Close(), h.take.Close()) })
	return h
}

// connection is a unix socket to hand over.
func connection(t *testing.T) *net.UnixConn {
	t.Helper()
	return handover(t).give
}

// What the kernel does not let wait is closed in order instead.
func TestHandoverIsBounded(t *testing.T) {
	t.Parallel()
	h := handover(t)
	a := connection(t)
	given := 0
	for ; given < 100_000; given++ {
		if err := h.Give(a); err != nil {
			if !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.ETOOMANYREFS) {
				t.Fatalf("connection %d: %v, want EAGAIN", given, err)
			}
			break
		}
	}
	taken, err := h.Take()
	for _, conn := range taken {
		_ = conn.Close()
	}
	if err != nil || len(taken) != given || given < 100 {
		t.Errorf("took %d of %d connections, %v", len(taken), given, err)
	}
	if taken, err := h.Take(); len(taken) != 0 || err != nil {
		t.Errorf("took %d more, %v; want none", len(taken), err)
	}
}

func TestHandover(t *testing.T) {
	t.Parallel()
	if h, err := Files(nil).Handover(); h != nil || err != nil {
		t.Errorf("without files: %v, %v; want none", h, err)
	}
	give, take, err := NewHandover()
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := NewHandover()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Files{Give: other}).Handover(); err == nil || !strings.Contains(err.Error(), Take) {
		t.Errorf("with one end: %v, want an error that names the other", err)
	}
	h, err := Files{Give: give, Take: take}.Handover()
	if err != nil || h == nil {
		t.Fatalf("with both: %v, %v", h, err)
	}
	a := connection(t)
	if err := h.Give(a); err != nil {
		t.Fatal(err)
	}
	if taken, err := h.Take(); err != nil || len(taken) != 1 {
		t.Errorf("took %d, %v; want what was given", len(taken), err)
	}
}
