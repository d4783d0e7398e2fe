package scrub

import (
	"bytes"
	"testing"
)

// TestPlanted holds the detectors to the same floors where values stand in
// access lines, queries, headers, JSON and encodings, among decoys. The values
// are made up, and those of the labelled set where there is one.
func TestPlanted(t *testing.T) {
	t.Parallel()
	t.Run("made up", func(t *testing.T) {
		t.Parallel()
		p := newPlanter(1)
		list := map[Kind][]string{}
		for k := range keyFor {
			for range 100 {
				list[k] = append(list[k], p.value(k))
			}
		}
		checkPlanted(t, "Gateway texts: values made up", p, list)
	})
	t.Run("labelled", func(t *testing.T) {
		t.Parallel()
		checkPlanted(t, "Gateway texts: values of the labelled set", newPlanter(2), values(readDataset(t)))
	})
}

func checkPlanted(t *testing.T, title string, p *planter, list map[Kind][]string) {
	e := newEngine(t, Policy{})
	scores := map[Kind]score{}
	for k := range Kinds() {
		for _, v := range list[k] {
			for _, at := range places {
				text := p.plant(at, k, v)
				got := e.Findings(nil, []byte(text.text), text.f)
				s := compare([]Finding{text.want}, got)
				if *showAll && s.missed+s.wrong > 0 {
					t.Logf("%s in %s: want %v, got %v in %q", v, text.where, text.want, got, text.text)
				}
				total := scores[k]
				total.add(s)
				scores[k] = total
			}
		}
	}
	checkFloors(t, title, scores)
}

// TestDecoysStay checks that texts of decoys alone come out as they went in.
func TestDecoysStay(t *testing.T) {
	t.Parallel()
	e, p := newEngine(t, Policy{}), newPlanter(3)
	wrong := 0
	const lines = 2000
	for range lines {
		line := []byte(accessHead + "/v1/" + p.decoy() + "/x?a=" + p.decoy() + "&b=" + p.decoy() + accessTail)
		if out, _ := e.AccessLine(nil, line); !bytes.Equal(out, line) {
			wrong++
			t.Logf("%s\n%s", line, out)
		}
	}
	if wrong > lines/1000 {
		t.Errorf("%d of %d lines of decoys were changed", wrong, lines)
	}
}
