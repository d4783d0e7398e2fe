package auditchain

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"strings"
	"testing"
)

func testKey(seed byte) *Key {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	key, err := parseKey("test", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		panic(err)
	}
	return key
}

func publicOf(k *Key) PublicKeys {
	return PublicKeys{k.id: k.private.Public().(ed25519.PublicKey)}
}

// write writes records to w, a line each.
func write(t testing.TB, w io.Writer, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if _, err := fmt.Fprintf(w, `{"time":"2026-03-14T15:00:00Z","log":"audit","request_id":"r%d","tenant":"acme"}`+"\n", i); err != nil {
			t.Fatal(err)
		}
	}
}

// next is the writer of a process that starts when log is what is written.
func next(t testing.TB, log *bytes.Buffer, key *Key) *Writer {
	t.Helper()
	before, err := LastStates(bytes.NewReader(log.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return NewWriter(log, key, before)
}

func end(t testing.TB, w *Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// twoChains is a log of 20 lines: a chain of a start, five records, a checkpoint, five
// records and its end (lines 1 to 13), and one of a start, five records and its end.
func twoChains(t testing.TB, key *Key) []string {
	t.Helper()
	var log bytes.Buffer
	a := next(t, &log, key)
	write(t, a, 1, 5)
	a.checkpoint()
	write(t, a, 6, 10)
	end(t, a)
	b := next(t, &log, key)
	write(t, b, 11, 15)
	end(t, b)
	return lines(log.String())
}

func lines(log string) []string {
	list := strings.SplitAfter(log, "\n")
	return list[:len(list)-1]
}

// verify is what the verifier finds, as LINE KIND, and the sums. Notices are N.
func verify(keys PublicKeys, list []string) (found []string, all []Finding, r Report) {
	v := NewVerifier(keys, func(f Finding) {
		kind := string(f.Kind)
		if f.Kind == Notice {
			kind = "N"
		}
		found = append(found, fmt.Sprintf("%d %s", f.Line, kind))
		all = append(all, f)
	})
	for i, line := range list {
		v.Line(Place{"audit.jsonl", i + 1}, []byte(strings.TrimSuffix(line, "\n")))
	}
	return found, all, v.Finish()
}
