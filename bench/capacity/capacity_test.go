package capacity

import (
	"strings"
	"testing"
)

func TestVolumeOf(t *testing.T) {
	t.Parallel()
	audit, access := `{"log":"audit","tenant":"acme"}`+"\n", `{"log":"access","status":200,"x":"y"}`+"\n"
	found, records, err := volumeOf([]byte("a line of Kong's\n" + audit + access + audit + access))
	if err != nil {
		t.Fatal(err)
	}
	if records != 2 || found.audit.whole != int64(2*len(audit)) || found.access.whole != int64(2*len(access)) {
		t.Errorf("%d records, %+v", records, found)
	}
	if c := found.audit.compressed; c <= 0 || c >= found.audit.whole+30 {
		t.Errorf("%d bytes of records are %d compressed", found.audit.whole, c)
	}
}

func TestLongURL(t *testing.T) {
	t.Parallel()
	for _, n := range urlLengths {
		if url := longURL("/onehop", n); len(url) != n || url[:8] != "/onehop?" {
			t.Errorf("%d bytes: %q has %d", n, url, len(url))
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	if all, err := choose(""); err != nil || len(all) != len(tables) {
		t.Errorf("without TABLES: %d tables, %v", len(all), err)
	}
	if some, err := choose("knee,cpu"); err != nil || len(some) != 2 || some[0].name != "knee" {
		t.Errorf("knee,cpu: %v, %v", some, err)
	}
	_, err := choose("cpu,nee")
	if err == nil {
		t.Fatal("no error for a table that is not there")
	}
	for _, tbl := range tables {
		if !strings.Contains(err.Error(), tbl.name) {
			t.Errorf("%q does not name %s", err, tbl.name)
		}
	}
}
