package auditchain

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
)

// Hash is the SHA-256 of a line without its line feed.
type Hash [sha256.Size]byte

// MarshalText writes it in hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("hash %q: it has not %d digits", text, hex.EncodedLen(len(h)))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// State is what a chain has come to: the number and the hash of its last line.
type State struct {
	Chain string `json:"chain"`
	Seq   uint64 `json:"seq"`
	Hash  Hash   `json:"hash"`
}

// The kinds of lines that are signed.
const (
	logStart      = "audit-chain"
	logCheckpoint = "audit-checkpoint"
)

// mark is a signed line but for its link.
type mark struct {
	Time   string  `json:"time"`
	Log    string  `json:"log"`
	Key    string  `json:"key"`
	Before []State `json:"before,omitempty"` // in a start
	End    bool    `json:"end,omitempty"`    // in a checkpoint
}

// link is the fields that join a line to its chain.
type link struct {
	chain     []byte
	seq       uint64
	prev      Hash
	signed    []byte // what the signature covers
	signature []byte // nil in a line that is not signed
}

// The first field of a link, and all of it, which has at most 232 bytes.
const chainField = `,"chain":"`

const maxLinkBytes = 256

var linkForm = regexp.MustCompile(`^,"chain":"([0-9a-f]{16})","seq":([0-9]{1,20}),"prev":"([0-9a-f]{64})"(?:,"signature":"([A-Za-z0-9+/]{86}==)")?}$`)

// parseLink reads the link at the end of a line that is JSON.
func parseLink(line []byte) (l link, ok bool) {
	tail := line[max(0, len(line)-maxLinkBytes):]
	start := bytes.LastIndex(tail, []byte(chainField))
	if start < 0 {
		return link{}, false
	}
	m := linkForm.FindSubmatch(tail[start:])
	if m == nil {
		return link{}, false
	}
	l.chain = m[1]
	var err error
	if l.seq, err = strconv.ParseUint(string(m[2]), 10, 64); err != nil {
		return link{}, false
	}
	if err := l.prev.UnmarshalText(m[3]); err != nil {
		return link{}, false
	}
	if m[4] != nil {
		l.signed = line[:len(line)-len(signatureField)-len(m[4])-len(`"}`)]
		if l.signature, err = base64.StdEncoding.Strict().DecodeString(string(m[4])); err != nil {
			return link{}, false
		}
	}
	return l, true
}

func appendLink(line []byte, chain string, seq uint64, prev Hash) []byte {
	line = append(line, chainField...)
	line = append(line, chain...)
	line = append(line, `","seq":`...)
	line = strconv.AppendUint(line, seq, 10)
	line = append(line, `,"prev":"`...)
	line = hex.AppendEncode(line, prev[:])
	return append(line, '"')
}

const signatureField = `,"signature":"`

func appendSignature(line []byte, key ed25519.PrivateKey) []byte {
	signature := ed25519.Sign(key, line)
	line = append(line, signatureField...)
	line = base64.StdEncoding.AppendEncode(line, signature)
	return append(line, '"')
}

func hashOf(line []byte) Hash { return sha256.Sum256(line) }
