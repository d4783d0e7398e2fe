package auditchain

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func without(list []string, from, to int) []string {
	return slices.Concat(list[:from-1], list[to:])
}

// TestVerify has a log tampered with in every way that the verifier is for. Lines count
// from 1, as they stand after that.
func TestVerify(t *testing.T) {
	t.Parallel()
	key, stranger := testKey(1), testKey(2)
	whole := twoChains(t, key)
	edit := func(line int, old, replacement string) func([]string) []string {
		return func(l []string) []string {
			if !strings.Contains(l[line-1], old) {
				t.Fatalf("no %s in %s", old, l[line-1])
			}
			l[line-1] = strings.Replace(l[line-1], old, replacement, 1)
			return l
		}
	}
	tests := []struct {
		name   string
		tamper func([]string) []string
		want   []string
	}{
		{"nothing", func(l []string) []string { return l }, nil},
		{"empty line", func(l []string) []string { return slices.Insert(l, 3, "\n") }, nil},
		{"record taken out", func(l []string) []string { return without(l, 4, 4) }, []string{"4 missing"}},
		{"records taken out", func(l []string) []string { return without(l, 2, 6) }, []string{"2 missing"}},
		{"checkpoint taken out", func(l []string) []string { return without(l, 7, 7) }, []string{"7 missing"}},
		{"end taken out", func(l []string) []string { return without(l, 13, 13) }, []string{"13 missing", "12 not vouched for"}},
		{"start taken out", func(l []string) []string { return without(l, 14, 14) }, []string{"14 missing"}},
		{"end of a chain cut off", func(l []string) []string { return without(l, 9, 13) }, []string{"9 missing", "8 not vouched for"}},
		{"first chain gone of three", func(l []string) []string { return without(twoChainsAfter(t, l, key), 1, 13) }, []string{"0 N"}},
		{"chain between two taken out", func(l []string) []string {
			return without(twoChainsAfter(t, l, key), 14, 20)
		}, []string{"14 missing"}},
		{"record changed", edit(4, "acme", "evil"), []string{"4 changed"}},
		{"number changed", edit(4, `"seq":3`, `"seq":9`), []string{"4 changed", "4 changed"}},
		{"hash changed", func(l []string) []string {
			l[3] = l[3][:len(l[3])-5] + "XX\"}\n"
			return l
		}, []string{"4 unchained", "5 missing"}},
		{"hash changed for another", func(l []string) []string {
			l[3] = strings.Replace(l[3], l[3][len(l[3])-67:], l[4][len(l[4])-67:], 1)
			return l
		}, []string{"3 changed", "4 changed"}},
		{"chain's name changed", func(l []string) []string {
			_, id, _ := strings.Cut(l[3], `"chain":"`)
			l[3] = strings.Replace(l[3], id[:16], "0123456789abcdef", 1)
			return l
		}, []string{"4 missing", "5 missing", "4 not vouched for"}},
		{"fields of the chain cut off", func(l []string) []string {
			l[3], _, _ = strings.Cut(l[3], `,"chain"`)
			l[3] += "}\n"
			return l
		}, []string{"4 unchained", "5 missing"}},
		{"fields of a start cut off", func(l []string) []string {
			l[0], _, _ = strings.Cut(l[0], `,"chain"`)
			l[0] += "}\n"
			return l
		}, []string{"1 changed", "2 N"}},
		{"records swapped", func(l []string) []string { l[3], l[4] = l[4], l[3]; return l }, []string{"4 missing", "4 added", "6 missing"}},
		{"record copied", func(l []string) []string { return slices.Insert(l, 4, l[3]) }, []string{"4 added"}},
		{"record copied to later", func(l []string) []string { return slices.Insert(l, 9, l[3]) }, []string{"10 out of order"}},
		{"records added without a chain", func(l []string) []string {
			forged := `{"log":"audit","tenant":"evil"}` + "\n"
			return slices.Insert(l, 4, forged, forged)
		}, []string{"5 unchained"}},
		{"record added to the chain", func(l []string) []string {
			return slices.Insert(l, 4, strings.Replace(l[4], "acme", "evil", 1))
		}, []string{"5 added"}},
		{"record added after the end", func(l []string) []string {
			forged := []byte(`{"log":"audit"`)
			last, _ := parseLink([]byte(strings.TrimSpace(l[19])))
			forged = appendLink(forged, string(last.chain), 7, hashOf([]byte(strings.TrimSpace(l[19]))))
			return append(l, string(forged)+"}\n")
		}, []string{"21 added"}},
		{"part of a chain put before all others", func(l []string) []string {
			forged := appendLink([]byte(`{"log":"audit"`), "0123456789abcdef", 5, Hash{})
			return slices.Insert(l, 0, string(forged)+"}\n")
		}, []string{"1 N", "1 not vouched for"}},
		{"records put before the rest of a chain", func(l []string) []string {
			return slices.Insert(l[2:], 0, `{"log":"audit","tenant":"evil"}`+"\n")
		}, []string{"2 unchained", "2 N"}},
		{"chain added without a signature", func(l []string) []string {
			forged := appendLink([]byte(`{"log":"audit"`), "0123456789abcdef", 0, Hash{})
			return append(l, string(forged)+"}\n")
		}, []string{"21 added", "21 N"}},
		{"chain added by a stranger's key", func(l []string) []string {
			return append(l, twoChains(t, stranger)...)
		}, []string{"21 signature", "27 signature", "33 signature", "34 signature", "40 signature", "33 not vouched for", "40 N"}},
		{"checkpoint forged", func(l []string) []string {
			// The tenant of all records is another, and all hashes are made anew.
			return rewritten(l, "acme", "evil", stranger, key.id)
		}, []string{"1 signature", "7 signature", "13 signature", "14 signature", "20 signature", "13 not vouched for", "20 N"}},
		{"checkpoint with another's signature", func(l []string) []string {
			_, other, _ := strings.Cut(l[12], `"signature":"`)
			_, mine, _ := strings.Cut(l[19], `"signature":"`)
			l[19] = strings.Replace(l[19], mine, other, 1)
			return l
		}, []string{"20 signature", "20 N"}},
		{"half a line", func(l []string) []string { l[3] = l[3][:40] + "\n"; return l }, []string{"4 not JSON", "5 missing"}},
		{"last line cut off", func(l []string) []string { l[19] = l[19][:60]; return l }, []string{"20 not JSON", "19 N"}},

		// What no chain can show is a notice.
		{"last lines taken out", func(l []string) []string { return without(l, 18, 20) }, []string{"17 N"}},
		{"last chain taken out", func(l []string) []string { return without(l, 14, 20) }, nil},
		{"first lines gone", func(l []string) []string { return without(l, 1, 4) }, []string{"1 N"}},
		{"first chain gone", func(l []string) []string { return without(l, 1, 13) }, []string{"0 N"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found, all, _ := verify(publicOf(key), tt.tamper(slices.Clone(whole)))
			if diff := cmp.Diff(tt.want, found); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, all)
			}
		})
	}
}

// twoChainsAfter is a log with one chain more.
func twoChainsAfter(t *testing.T, l []string, key *Key) []string {
	t.Helper()
	log := bytes.NewBufferString(strings.Join(l, ""))
	w := next(t, log, key)
	write(t, w, 16, 18)
	end(t, w)
	return lines(log.String())
}

// rewritten is a log as one would write it who has all but the key: each line changed,
// linked anew and signed with another key in the name of the right one.
func rewritten(list []string, old, replacement string, key *Key, id string) []string {
	prev := map[string]Hash{}
	var out []string
	for _, line := range list {
		l, _ := parseLink([]byte(strings.TrimSuffix(line, "\n")))
		body, _, _ := strings.Cut(strings.Replace(line, old, replacement, 1), chainField)
		forged := appendLink([]byte(body), string(l.chain), l.seq, prev[string(l.chain)])
		if l.signature != nil {
			forged = appendSignature(forged, key.private)
		}
		forged = append(forged, '}')
		prev[string(l.chain)] = hashOf(forged)
		out = append(out, string(forged)+"\n")
	}
	return out
}

func TestSums(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	list := slices.Concat(
		[]string{`{"log":"audit","request_id":"before"}`, `{"log":"access"}`}, twoChains(t, key), []string{`{"log":"error"}`})
	_, _, r := verify(publicOf(key), list)
	r.Since, r.Until = "", ""
	want := Report{Lines: 23, Chains: 2, Chained: 20, Before: 1, Others: 2, Covered: 20}
	if r != want {
		t.Errorf("sums %+v, want %+v", r, want)
	}
	if _, all, r := verify(nil, list); r.Breaks > 0 || len(all) != 1 || !strings.Contains(all[0].Text, "no key") {
		t.Errorf("without a key: %v", all)
	}
	if found, _, _ := verify(publicOf(key), list[:2]); !slices.Equal(found, []string{"0 unchained"}) {
		t.Errorf("without a chain: %v", found)
	}
}

// TestKilled: what the next chain's start says of one without an end vouches for it.
func TestKilled(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	var log bytes.Buffer
	killed := next(t, &log, key)
	write(t, killed, 1, 3)
	b := next(t, &log, key)
	write(t, b, 4, 5)
	end(t, b)
	list := lines(log.String())
	found, all, r := verify(publicOf(key), list)
	if !slices.Equal(found, []string{"4 N"}) || !strings.Contains(all[0].Text, "vouched for to that") || r.Covered != r.Chained {
		t.Errorf("killed: %v, %+v", all, r)
	}
	if found, _, _ := verify(publicOf(key), without(list, 4, 4)); !slices.Equal(found, []string{"4 missing", "3 not vouched for"}) {
		t.Errorf("its last record taken out: %v", found)
	}
	added := appendLink([]byte(`{"log":"audit"`), all[0].Chain, 4, hashOf([]byte(strings.TrimSpace(list[3]))))
	if found, _, _ := verify(publicOf(key), slices.Insert(slices.Clone(list), 5, string(added)+"}\n")); !slices.Equal(found, []string{"6 not vouched for"}) {
		t.Errorf("a record added to it after the next one's start: %v", found)
	}
	list[3] = strings.Replace(list[3], "acme", "evil", 1)
	if found, _, _ := verify(publicOf(key), list); !slices.Equal(found, []string{"4 changed", "4 not vouched for"}) {
		t.Errorf("its last record changed: %v", found)
	}
}

// TestOverlap: a process may still write when the next one does.
func TestOverlap(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	var log bytes.Buffer
	a := next(t, &log, key)
	write(t, a, 1, 3)
	b := next(t, &log, key)
	write(t, b, 4, 5)
	write(t, a, 6, 7)
	write(t, b, 8, 9)
	end(t, a)
	write(t, b, 10, 11)
	end(t, b)
	c := next(t, &log, key)
	write(t, c, 12, 12)
	end(t, c)
	list := lines(log.String())
	if found, all, _ := verify(publicOf(key), list); len(found) > 0 {
		t.Errorf("whole: %v", all)
	}
	if start := list[len(list)-3]; strings.Count(start, `"seq"`) != 3 {
		t.Errorf("the third start names not both chains, whose last lines no start has named: %s", start)
	}
	// The files before are gone: of the first chain there are the lines after the second's start.
	list = without(list, 1, 4)
	if found, all, _ := verify(publicOf(key), list); !slices.Equal(found, []string{"4 N"}) {
		t.Errorf("files gone: %v", all)
	}
	if found, all, _ := verify(publicOf(key), without(list, 4, 4)); !slices.Equal(found, []string{"4 missing"}) {
		t.Errorf("files gone, and a record taken out: %v", all)
	}
}

// TestAnyLine deletes, copies, swaps and edits each line in turn: none of it passes.
func TestAnyLine(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	whole := twoChains(t, key)
	shows := func(what string, list []string) {
		t.Helper()
		if found, _, _ := verify(publicOf(key), list); len(found) == 0 {
			t.Errorf("not found: %s", what)
		}
	}
	for i, line := range whole {
		shows(fmt.Sprint("deleted ", i+1), without(whole, i+1, i+1))
		shows(fmt.Sprint("copied ", i+1), slices.Insert(slices.Clone(whole), i, line))
		if i+1 < len(whole) && i != 12 { // the order of two chains' lines is not said
			swapped := slices.Clone(whole)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			shows(fmt.Sprint("swapped ", i+1), swapped)
		}
		for at := 0; at < len(line)-1; at += 4 + i%4 {
			edited := slices.Clone(whole)
			edited[i] = line[:at] + string(line[at]^1) + line[at+1:]
			found, _, r := verify(publicOf(key), edited)
			if r.Breaks == 0 {
				t.Fatalf("edited byte %d of line %d: %v", at, i+1, found)
			}
		}
	}
}

// format is a log of two chains, signed by testKey(1), which stays as it is: what was
// written once must verify for as long as archives are kept.
const format = "testdata/format.jsonl"

func TestFormatStays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(format)
	if err != nil {
		t.Fatal(err)
	}
	if found, all, r := verify(publicOf(testKey(1)), lines(string(text))); len(found) > 0 || r.Covered != 7 {
		t.Errorf("found %v, %+v", all, r)
	}
}

// FuzzVerifier puts any bytes in the place of some of a log: no line is lost and none is
// forged without a finding.
func FuzzVerifier(f *testing.F) {
	keys := publicOf(testKey(1))
	text, err := os.ReadFile(format)
	if err != nil {
		f.Fatal(err)
	}
	whole := string(text)
	f.Add(0, 0, "")
	f.Add(300, 700, "")
	f.Add(700, 700, whole[400:600])
	f.Add(0, len(whole), `{"log":"audit","chain":"0123456789abcdef","seq":18446744073709551615,"prev":"`+strings.Repeat("0", 64)+`"}`)
	f.Fuzz(func(t *testing.T, from, to int, put string) {
		if from < 0 || to < from || to > len(whole) {
			return
		}
		text := whole[:from] + put + whole[to:]
		list := strings.SplitAfter(text, "\n")
		if list[len(list)-1] == "" {
			list = list[:len(list)-1]
		}
		found, all, r := verify(keys, list)
		if r.Lines != len(list) || r.Breaks+r.Notices != len(found) {
			t.Errorf("sums %+v of %d lines and %v", r, len(list), all)
		}
		// The last chain, of three lines, can go as a whole.
		if len(found) == 0 && r.Chained != 7 && r.Chained != 4 {
			t.Errorf("lines lost or added: %q", text)
		}
		if r.Breaks == 0 && r.Covered > 0 && !strings.Contains(whole, firstSigned(list)) {
			t.Errorf("forged: %q", text)
		}
	})
}

func firstSigned(list []string) string {
	for _, line := range list {
		line = strings.TrimSuffix(line, "\n")
		if l, ok := parseLink([]byte(line)); ok && l.signature != nil {
			return line
		}
	}
	return ""
}
