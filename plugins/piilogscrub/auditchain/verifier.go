package auditchain

import "encoding/json"

// Verifier reads the lines of one log, oldest first, and says what is wrong with them. It
// remembers some 300 bytes of each chain.
type Verifier struct {
	keys   PublicKeys
	found  func(Finding)
	chains map[string]*chain
	order  []*chain
	named  []State // of chains before the files, by the first line of all
	begun  bool    // a start was read
	loose  loose
	report Report
}

// chain is one as far as it was read.
type chain struct {
	id    string
	first uint64 // the number of the first line that was read
	from  Place
	at    position // the last line
	prior position // the one before
	// covered is the number of the last line that is vouched for, where any is.
	covered   uint64
	isCovered bool
	lines     int // that were read, and how many of them are vouched for
	linesOK   int
	end       bool
	headless  bool // its first lines are missing, and that was told
}

type position struct {
	seq   uint64
	hash  Hash
	place Place
}

// loose is a run of records that are in no chain.
type loose struct {
	place Place
	lines int
}

// NewVerifier returns a verifier that tells found of what it finds. Without keys no
// signature is checked, and whoever can write the files can have made all that is in them.
func NewVerifier(keys PublicKeys, found func(Finding)) *Verifier {
	return &Verifier{keys: keys, found: found, chains: map[string]*chain{}}
}

// Line reads the next line, without its line feed. An empty one says nothing.
func (v *Verifier) Line(at Place, line []byte) {
	v.report.Lines++
	if len(line) == 0 {
		return
	}
	if !json.Valid(line) {
		v.find(NotJSON, at, "", "cut off or damaged")
		return
	}
	l, ok := parseLink(line)
	if !ok {
		v.unchained(at, line)
		return
	}
	v.tellLoose()
	if v.report.Chained++; v.report.Chained == 1 {
		v.report.Since = timeOf(line)
		if l.seq > 0 && v.report.Before > 0 {
			v.find(Unchained, at, "", "before this line %d records are in no chain, although one had begun", v.report.Before)
		}
	}
	c := v.chains[string(l.chain)]
	here := position{l.seq, hashOf(line), at}
	if c == nil {
		c = v.firstOf(l, here)
	} else if !v.follow(c, l, here) {
		return
	}
	if l.signature != nil {
		v.signed(c, l, here, line)
	}
}

func timeOf(line []byte) string {
	var m mark
	_ = json.Unmarshal(line, &m) // what has no time has none
	return m.Time
}

// unchained is a line without a link.
func (v *Verifier) unchained(at Place, line []byte) {
	var m mark
	_ = json.Unmarshal(line, &m) // what is no such object is another log's
	switch {
	case m.Log == logStart || m.Log == logCheckpoint:
		v.find(Changed, at, "", "a line with \"log\":%q has no chain, seq and prev at its end", m.Log)
	case m.Log != "audit":
		v.report.Others++
	case len(v.chains) == 0:
		v.report.Before++
	default:
		if v.loose.lines == 0 {
			v.loose.place = at
		}
		v.loose.lines++
	}
}

func (v *Verifier) tellLoose() {
	if v.loose.lines > 0 {
		v.find(Unchained, v.loose.place, "", "from here on %d records are in no chain", v.loose.lines)
	}
	v.loose = loose{}
}

// firstOf is the first line of a chain that was not read of before. It is the chain's
// start, or the chain began in files that are gone: those are older than any start.
func (v *Verifier) firstOf(l link, here position) *chain {
	c := &chain{id: string(l.chain), first: l.seq, from: here.place, at: here, lines: 1}
	v.chains[c.id] = c
	v.order = append(v.order, c)
	named, isNamed := v.nameOf(c.id)
	switch {
	case l.seq == 0 && l.signature == nil:
		v.find(Added, here.place, c.id, "it begins without a signed line")
	case l.seq == 0:
	case isNamed && l.seq > named.Seq+1:
		c.headless = true
		v.missing(c, here.place, named.Seq+1, l.seq-1)
	case isNamed && l.seq == named.Seq+1 && l.prev != named.Hash:
		v.find(Changed, here.place, c.id, "seq %d follows another line than the one that a later chain's start names", l.seq)
	case !isNamed && v.begun:
		c.headless = true
		v.missing(c, here.place, 0, l.seq-1)
	}
	return c
}

// follow compares a line with the one before it in its chain. It reports whether the
// line is taken for the chain's next one.
func (v *Verifier) follow(c *chain, l link, here position) bool {
	last := c.at
	switch {
	case c.end:
		v.find(Added, here.place, c.id, "seq %d stands after the chain's end", l.seq)
		return false
	case l.prev == last.hash && l.seq == last.seq+1:
	case l.prev == last.hash:
		v.find(Changed, here.place, c.id, "seq %d has the place of %d", l.seq, last.seq+1)
		here.seq = last.seq + 1
	case l.seq == last.seq+1:
		v.find(Changed, last.place, c.id, "the hash of seq %d is not the one that seq %d has (%s): one of them was changed", last.seq, l.seq, here.place)
	case l.prev == c.prior.hash && l.seq == c.prior.seq+1:
		v.find(Added, last.place, c.id, "seq %d is a copy, was added, or was moved: its place is that of %s", last.seq, here.place)
		last = c.prior
	case l.seq > last.seq:
		v.missing(c, here.place, last.seq+1, l.seq-1)
	default:
		v.find(OutOfSeq, here.place, c.id, "seq %d stands after seq %d: it was moved, copied or added", l.seq, last.seq)
		return false
	}
	c.prior, c.at = last, here
	c.lines++
	return true
}
