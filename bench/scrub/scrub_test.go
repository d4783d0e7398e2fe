package scrub

import (
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// TestOpen checks that the suite measures what it says: its lines hold as many
// findings as they should, and both peers mask what they are given.
func TestOpen(t *testing.T) {
	rows, closeAll, err := Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Error("nothing is measured")
	}
	if err := closeAll(); err != nil {
		t.Error(err)
	}
}

func BenchmarkClean(b *testing.B) { benchmark(b, 0) }
func BenchmarkFound(b *testing.B) { benchmark(b, 1) }

func benchmark(b *testing.B, which int) {
	engine, err := scrub.New(scrub.Policy{})
	if err != nil {
		b.Fatal(err)
	}
	clean, found := lines(1)
	list := [][][]byte{clean, found}[which]
	read := scrubber(engine)
	size := 0
	for _, line := range list {
		size += len(line)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, line := range list {
			read(line)
		}
	}
}
