package audit

// call is a request as nginx's own log has it.
type call struct {
	status  int
	size    float64 // bytes of the response
	seconds float64 // from its first byte to its end
}

// record is what is looked at of an audit record.
type record struct {
	Log        string  `json:"log"`
	RequestID  string  `json:"request_id"`
	Source     string  `json:"source"`
	Status     int     `json:"status"`
	Size       float64 `json:"size"`
	LatencyMS  float64 `json:"latency_ms"`
	Partial    bool    `json:"partial"`
	Correction bool    `json:"correction"`
}

// tolerance is by how much a record's latency may differ from nginx's, in milliseconds:
// each takes the time at a point of its own.
const tolerance = 1000

// figures are what a fault came to.
type figures struct {
	requests int // that nginx answered, by its own log
	records  int // requests that have one
	partial  int // of these, made of nginx's access line alone
	unknown  int // of these, that do not say how the request ended
	wrong    int // of these, with another status, size or time than nginx's log
	twice    int // records beyond one for a request and its correction
	missing  int // requests without a record
	counted  int // records that are lost by the gateway's own word
}

// tally compares the records with the calls. Those of requests that nginx did not answer
// count for nothing.
func tally(calls map[string]call, records []record) (f figures) {
	f.requests = len(calls)
	last := map[string]record{}
	for _, r := range records {
		if _, ok := calls[r.RequestID]; !ok {
			continue
		}
		if _, again := last[r.RequestID]; again && !r.Correction {
			f.twice++
			continue
		}
		last[r.RequestID] = r
	}
	f.records, f.missing = len(last), len(calls)-len(last)
	for id, r := range last {
		f.partial += one(r.Partial)
		f.unknown += one(r.Source == "unknown")
		f.wrong += one(r.differs(calls[id]))
	}
	return f
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// differs reports whether a record tells something else than nginx's log. One that does
// not know how the request ended tells its time only.
func (r record) differs(c call) bool {
	if r.LatencyMS > c.seconds*1000+tolerance || r.LatencyMS < c.seconds*1000-tolerance {
		return true
	}
	return r.Source != "unknown" && (r.Status != c.status || r.Size != c.size)
}
