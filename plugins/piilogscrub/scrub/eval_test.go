package scrub

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// datasetVar names the variable that holds the path of a labelled set in the
// format of presidio-research. Without it the set is looked for beside the
// repository.
const (
	datasetVar     = "GATEHOUSE_PII_DATASET"
	defaultDataset = "../../../../shared/data/pii/synth_dataset_v2.json"
)

// showAll prints each value that was missed or found wrongly.
var showAll = flag.Bool("misses", false, "print each value that the evaluation misses or finds wrongly")

// labelled is one text of the set; offsets count characters.
type labelled struct {
	Text  string `json:"full_text"`
	Spans []struct {
		Type  string `json:"entity_type"`
		Start int    `json:"start_position"`
		End   int    `json:"end_position"`
	} `json:"spans"`
}

// values returns the labelled values of each kind that fit on one line.
func values(set []labelled) map[Kind][]string {
	out := map[Kind][]string{}
	for _, item := range set {
		for _, s := range item.Spans {
			v := item.Text[byteOffset(item.Text, s.Start):byteOffset(item.Text, s.End)]
			if k, ok := datasetKinds[s.Type]; ok && !strings.Contains(v, "\n") {
				out[k] = append(out[k], v)
			}
		}
	}
	return out
}

// datasetKinds are the labels of the set that have a detector by pattern.
var datasetKinds = map[string]Kind{
	"CREDIT_CARD": Card, "IBAN_CODE": IBAN, "EMAIL_ADDRESS": Email,
	"IP_ADDRESS": IP, "US_SSN": USSSN, "PHONE_NUMBER": Phone,
}

// score counts what a detector found of one kind.
type score struct{ hit, missed, wrong int }

func (s score) recall() float64    { return ratio(s.hit, s.hit+s.missed) }
func (s score) precision() float64 { return ratio(s.hit, s.hit+s.wrong) }

func (s score) f1() float64 {
	return 2 * s.precision() * s.recall() / max(s.precision()+s.recall(), 1e-9)
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func (s *score) add(o score) {
	s.hit, s.missed, s.wrong = s.hit+o.hit, s.missed+o.missed, s.wrong+o.wrong
}

// compare scores findings of one kind in one text. A finding counts as right if
// it covers a value of its kind whole and no more than two bytes beside it, so
// that a redaction that swallows the line is none.
func compare(want, got []Finding) (s score) {
	used := make([]bool, len(got))
	for _, w := range want {
		found := false
		for i, g := range got {
			if !used[i] && g.Start <= w.Start && g.End >= w.End && g.End-g.Start <= w.End-w.Start+2 {
				used[i], found = true, true
				break
			}
		}
		if found {
			s.hit++
		} else {
			s.missed++
		}
	}
	for _, u := range used {
		if !u {
			s.wrong++
		}
	}
	return s
}

func ofKind(list []Finding, k Kind) (out []Finding) {
	for _, f := range list {
		if f.Kind == k {
			out = append(out, f)
		}
	}
	return out
}

func readDataset(t *testing.T) []labelled {
	t.Helper()
	path := os.Getenv(datasetVar)
	if path == "" {
		path = filepath.FromSlash(defaultDataset)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("left out: no labelled set at %s; set %s to the path of one", path, datasetVar)
	}
	if err != nil {
		t.Fatal(err)
	}
	var set []labelled
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatalf("decode %s: %v", path, err)
	}
	return set
}

// byteOffset returns the offset in bytes of a character of s.
func byteOffset(s string, char int) int {
	for i := range s {
		if char == 0 {
			return i
		}
		char--
	}
	return len(s)
}

// TestDataset holds the detectors to their floors on a labelled set of prose,
// and prints the table of precision and recall.
func TestDataset(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	scores := map[Kind]score{}
	for _, item := range readDataset(t) {
		var want []Finding
		for _, s := range item.Spans {
			if k, ok := datasetKinds[s.Type]; ok {
				want = append(want, Finding{k, byteOffset(item.Text, s.Start), byteOffset(item.Text, s.End)})
			}
		}
		got := e.Findings(nil, []byte(item.Text), FormatText)
		for _, k := range datasetKinds {
			s := compare(ofKind(want, k), ofKind(got, k))
			if *showAll && s.missed+s.wrong > 0 {
				t.Logf("%s: want %v, got %v in %q", k, ofKind(want, k), ofKind(got, k), item.Text)
			}
			total := scores[k]
			total.add(s)
			scores[k] = total
		}
	}
	checkFloors(t, "Prose: the labelled set", scores)
}

// floors are what is promised of each kind: of prose and of the gateway's texts
// alike, and of values that nobody has looked at.
var floors = map[Kind]least{
	Email: {recall: 0.97, precision: 0.97}, Card: {recall: 0.97, precision: 0.97}, IBAN: {recall: 0.97, precision: 0.97},
	IP: {recall: 0.97, precision: 0.97}, USSSN: {recall: 0.97, precision: 0.97}, Phone: {f1: 0.85},
	NationalID: {recall: 0.97, precision: 0.97}, JWT: {recall: 0.97, precision: 0.97}, Secret: {recall: 0.97, precision: 0.97},
	Credential: {recall: 1, precision: 1}, // keys of ours, which a checksum tells from all else
}

// least is the least that a score may be; zero: nothing is promised.
type least struct{ recall, precision, f1 float64 }

// overall is the least recall over all kinds.
const overall = 0.97

// checkFloors prints a table of scores, and fails the test where one of them is
// below what is promised.
func checkFloors(t *testing.T, title string, scores map[Kind]score) {
	t.Helper()
	var all score
	table := fmt.Sprintf("%s\n%-12s %6s %6s %6s %9s %9s %9s\n", title, "kind", "found", "missed", "wrong", "precision", "recall", "f1")
	for k := range Kinds() {
		s, ok := scores[k]
		if !ok {
			continue
		}
		all.add(s)
		table += fmt.Sprintf("%-12s %6d %6d %6d %9.3f %9.3f %9.3f\n", k, s.hit, s.missed, s.wrong, s.precision(), s.recall(), s.f1())
		want := floors[k]
		if s.recall() < want.recall || s.precision() < want.precision || s.f1() < want.f1 {
			t.Errorf("%s: recall %.3f, precision %.3f, F1 %.3f, want at least %+v", k, s.recall(), s.precision(), s.f1(), want)
		}
	}
	table += fmt.Sprintf("%-12s %6d %6d %6d %9.3f %9.3f %9.3f", "all", all.hit, all.missed, all.wrong, all.precision(), all.recall(), all.f1())
	fmt.Fprintln(t.Output(), table)
	if all.recall() < overall {
		t.Errorf("recall over all kinds is %.3f, want %v", all.recall(), overall)
	}
}
