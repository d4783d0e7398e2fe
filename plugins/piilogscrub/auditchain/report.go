package auditchain

import "fmt"

// Report is the sums over all lines.
type Report struct {
	Lines   int `json:"lines"`
	Chains  int `json:"chains"`
	Chained int `json:"chained"` // lines in chains, starts and checkpoints included
	Before  int `json:"before"`  // audit records before the first chain
	Others  int `json:"others"`  // lines of other logs
	Breaks  int `json:"breaks"`
	Notices int `json:"notices"`
	// Covered is how many lines in chains a signature covers, or the start of a later
	// chain. With breaks it says nothing.
	Covered int `json:"covered"`
	// Since is the time of the first line in a chain, Until that of the last signature:
	// RFC 3339, empty where there is none.
	Since string `json:"since,omitempty"`
	Until string `json:"until,omitempty"`
}

// missing tells of lines that are not there, at the place of the one after them.
func (v *Verifier) missing(c *chain, at Place, from, to uint64) {
	if from == to {
		v.find(Missing, at, c.id, "before this line seq %d", from)
		return
	}
	v.find(Missing, at, c.id, "before this line seq %d to %d", from, to)
}

func (v *Verifier) find(kind Kind, at Place, chain, format string, args ...any) {
	v.Add(Finding{Kind: kind, Place: at, Chain: chain, Text: fmt.Sprintf(format, args...)})
}

// Add counts and tells of what the caller found, such as a file that cannot be read.
func (v *Verifier) Add(f Finding) {
	if f.Kind == Notice {
		v.report.Notices++
	} else {
		v.report.Breaks++
	}
	v.found(f)
}

// Finish tells what the lines do not prove, and returns the sums.
func (v *Verifier) Finish() Report {
	v.tellLoose()
	v.report.Chains = len(v.order)
	for _, s := range v.named {
		if v.chains[s.Chain] == nil {
			v.find(Notice, Place{}, s.Chain, "these files do not have it; the first of their lines says that it came to seq %d", s.Seq)
		}
	}
	for i, c := range v.order {
		if c.first > 0 && !c.headless {
			v.find(Notice, c.from, c.id, "it begins here with seq %d: what was before it these files do not say", c.first)
		}
		v.noEnd(c, i+1 == len(v.order))
		v.report.Covered += c.linesOK
	}
	if len(v.order) == 0 {
		v.find(Unchained, Place{}, "", "no line is in a chain")
	} else if v.keys == nil {
		v.find(Notice, Place{}, "", "no key was given: signatures are not checked")
	}
	return v.report
}

// noEnd tells of a chain that has none: its process runs, or was killed. Lines that
// nothing vouches for are to be expected of the last chain alone, since the next one's
// start vouches for what it finds.
func (v *Verifier) noEnd(c *chain, last bool) {
	switch {
	case c.end:
	case c.lines > c.linesOK && !last:
		v.find(Uncovered, c.at.place, c.id, "it has no end after seq %d: %s, and a later chain began", c.at.seq, c.coverage())
	default:
		v.find(Notice, c.at.place, c.id, "it has no end after seq %d (the process runs or was killed, or lines after it are gone): %s", c.at.seq, c.coverage())
	}
}

func (c *chain) coverage() string {
	switch {
	case !c.isCovered:
		return "nothing vouches for it"
	case c.covered == c.at.seq:
		return "vouched for to that"
	}
	return fmt.Sprintf("vouched for to seq %d", c.covered)
}
