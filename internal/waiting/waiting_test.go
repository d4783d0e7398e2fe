package waiting_test

import (
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/internal/waiting"
)

func TestList(t *testing.T) {
	t.Parallel()
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	var l waiting.List[int]
	if _, ok := l.TakeOldest(); ok || l.Older(at(9), 0) || l.Len() != 0 {
		t.Error("an empty list has something")
	}
	for i, id := range []string{"a", "b", "c"} {
		l.Put(id, at(i), i)
	}
	l.Put("a", at(3), 3)
	if v, ok := l.Find("a"); v != 3 || !ok || l.Len() != 3 {
		t.Errorf("Find(a) = %d, %v, of %d; want the one that was put last, of 3", v, ok, l.Len())
	}
	if v, ok := l.Find("d"); v != 0 || ok {
		t.Errorf("Find(d) = %d, %v", v, ok)
	}
	if n := l.CountOlder(at(4), 2*time.Second); n != 2 {
		t.Errorf("%d have waited for two seconds, want b and c", n)
	}
	if !l.Older(at(3), 2*time.Second) || l.Older(at(2), 2*time.Second) {
		t.Error("b has waited for two seconds from the third on")
	}
	if v, ok := l.Take("c"); v != 2 || !ok {
		t.Errorf("Take(c) = %d, %v", v, ok)
	}
	for _, want := range []int{1, 3} {
		if v, ok := l.TakeOldest(); v != want || !ok {
			t.Errorf("TakeOldest = %d, %v; want %d", v, ok, want)
		}
	}
	l.Put("a", at(5), 5)
	if l.Clear(); l.Len() != 0 || l.Older(at(9), 0) {
		t.Error("a cleared list has something")
	}
}
