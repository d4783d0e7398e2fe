package auditchain

import (
	"crypto/ed25519"
	"encoding/json"
)

// signed reads a start or a checkpoint.
func (v *Verifier) signed(c *chain, l link, here position, line []byte) {
	var m mark
	if err := json.Unmarshal(line, &m); err != nil {
		v.find(Changed, here.place, c.id, "seq %d is signed, and no line of a chain: %v", l.seq, err)
		return
	}
	if v.keys != nil {
		key, ok := v.keys[m.Key]
		if !ok {
			v.find(Signature, here.place, c.id, "seq %d is signed with key %q, which was not given", l.seq, m.Key)
			return
		}
		if !ed25519.Verify(key, l.signed, l.signature) {
			v.find(Signature, here.place, c.id, "the signature of seq %d is wrong", l.seq)
			return
		}
	}
	if m.Log == logStart {
		v.start(m, here)
	}
	c.end, v.report.Until = m.End, m.Time
	c.cover(here.seq)
}

// start compares what a chain's first line says of the chains before it.
func (v *Verifier) start(m mark, here position) {
	for _, s := range m.Before {
		c := v.chains[s.Chain]
		_, isNamed := v.nameOf(s.Chain)
		switch {
		case c == nil && v.report.Chained == 1:
			v.named = append(v.named, s)
		case c == nil && !isNamed:
			v.find(Missing, here.place, s.Chain, "all of it, which came to seq %d by this line", s.Seq)
		case c == nil:
		case c.at.seq < s.Seq:
			v.missing(c, here.place, c.at.seq+1, s.Seq)
		case c.at.seq == s.Seq && c.at.hash != s.Hash:
			v.find(Changed, c.at.place, c.id, "the hash of seq %d is not the one that the start of the next chain has (%s)", s.Seq, here.place)
		case c.at.seq == s.Seq:
			c.cover(s.Seq)
		}
	}
	v.begun = true
}

func (c *chain) cover(seq uint64) {
	c.covered, c.isCovered, c.linesOK = seq, true, c.lines
}

// nameOf is what the first line of all says of a chain.
func (v *Verifier) nameOf(id string) (State, bool) {
	for _, s := range v.named {
		if s.Chain == id {
			return s, true
		}
	}
	return State{}, false
}
