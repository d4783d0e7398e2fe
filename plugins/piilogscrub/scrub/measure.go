package scrub

// longID is the number of digits from which a number under "id" is taken for what programs
// make of a time and a counter: few cards have as many.
const longID = 17

// isMeasure reports whether a name before b[i] says that the number there is a measure, or,
// if it is long, an identifier: 8 in 100 of such numbers have the form of a card's.
func (s *scan) isMeasure(i, digits int) bool {
	name := s.outerName(i)
	r := s.e.measures.lookup(name)
	return r&roleOther != 0 || r&roleNever != 0 && digits >= longID
}

// outerName returns the name before the value at b[i], though it be outside of the window.
func (s *scan) outerName(i int) []byte {
	end := s.base + i
	for k := 0; end > 0 && k < 4 && (is(s.text[end-1], blank) || isQuote(s.text[end-1])); k++ {
		end--
	}
	if c := at(s.text, end-1); c != ':' && c != '=' {
		return nil
	}
	for end--; end > 0 && isNameEnd(s.text[end-1]); {
		end--
	}
	start := end
	for start > 0 && end-start < maxName && is(s.text[start-1], nameByte) {
		start--
	}
	s.spend(end - start)
	return s.text[start:end]
}

// measureNames returns the names of measures and of identifiers. They are asked for where
// a number has a card's form, and nowhere else: most texts pay nothing for them.
func measureNames() *names {
	n := newNames()
	n.add(roleOther, "offset", "lag", "seq", "sequence", "lsn", "xid", "position", "connection", "bytes", "bytes_sent", "bytes_received",
		"size", "length", "duration", "elapsed", "latency", "took", "time", "ts", "timestamp", "ns", "us", "ms", "nanos", "micros",
		"millis", "uptime", "count", "rows", "hash", "crc", "checksum", "resource_version", "generation", "memory", "heap", "rss",
		"tid", "pid", "flow_id", "scn", "base_offset", "rows", "files", "objects", "records", "total", "nonce", "gas", "gas_price", "gas_used", "wei", "backlog", "ean", "gtin", "upc", "isbn", "barcode", "sku")
	n.add(roleNever, "id", "ids", "uid", "logid", "devid", "snowflake", "cursor", "nonce", "trace", "span")
	return n
}
