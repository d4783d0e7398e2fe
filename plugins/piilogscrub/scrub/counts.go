package scrub

// isCount reports whether the name before b[start:end], or the word beside it, says that the
// number is of things, of units, or of a product: "rows: 773 772 840", "697 328 1834 files".
func (s *scan) isCount(start, end int) bool {
	if r := s.e.measures.lookup(s.outerName(start)); r&(roleOther|roleNever) != 0 {
		return true
	}
	behind := end
	for behind < len(s.b) && behind-end < 2 && is(s.b[behind], blank) {
		behind++
	}
	stop := behind
	for stop < len(s.b) && stop-behind < maxName && is(s.b[stop], letter) {
		stop++
	}
	s.spend(stop - end)
	if behind > end && isCountWord(s.b[behind:stop]) {
		return true
	}
	before := start
	for before > s.done && start-before < 2 && is(s.b[before-1], blank) {
		before--
	}
	from := before
	for from > s.done && before-from < maxName && is(s.b[from-1], letter) {
		from--
	}
	s.spend(start - from)
	return before < start && isProductWord(s.b[from:before])
}

// isCountWord reports whether a word behind a number says what it counts.
func isCountWord(w []byte) bool {
	switch string(w) {
	case "rows", "files", "bytes", "records", "objects", "items", "entries", "documents", "docs", "events", "packets", "blocks",
		"pages", "keys", "lines", "requests", "inodes", "samples", "series", "tokens", "segments", "ms", "ns", "us", "seconds", "secs",
		"KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "kB", "wei", "gwei", "sat", "total", "buffers", "tuples":
		return true
	}
	return false
}

// isProductWord reports whether a word before a number says that a program or a maker gave it.
func isProductWord(w []byte) bool {
	switch string(w) {
	case "part", "sku", "SKU", "serial", "isbn", "ISBN", "ean", "EAN", "upc", "UPC", "gtin", "GTIN", "model", "build", "offset", "bytes",
		"packets", "rows", "lsn", "LSN", "scn", "SCN", "xid", "block", "nonce", "tid", "pid", "position", "oldest", "newest", "committed":
		return true
	}
	return false
}

// inTable reports whether the groups of a number up to b[end] are columns of a dump: what
// stands beside them, a blank between, is as wide as they are and hexadecimal, too. Two or three
// digits in a group need that on both sides; the first may be wider, an address, where two
// columns follow.
func (s *scan) inTable(n *number, end int) bool {
	width, same := 0, true
	for i, g := range n.group[:n.groups] {
		if g.end() > end {
			break
		}
		if i > 0 && g.sep != ' ' || i > 1 && g.size() != width {
			return false
		}
		same = same && (i == 0 || g.size() == n.group[0].size())
		width = g.size()
	}
	behind := s.isColumn(end+1, width)
	if !same {
		return width > 3 && behind && s.isColumn(end+2+width, width)
	}
	before := s.isColumn(n.group[0].start()-1-width, width)
	return before && behind || width > 3 && (before || behind)
}

// isColumn reports whether b[i:] is so many hexadecimal digits between blanks.
func (s *scan) isColumn(i, width int) bool {
	if i < 0 || i+width > len(s.b) || !isTab(at(s.b, i-1)) || !is(at(s.b, i+width), blank) {
		return false
	}
	return isHexOnly(s.b[i : i+width])
}
