package scrub

// isCount reports whether the name before b[start:end], or the word beside it, says that the
// number is of things, of units, or of a product: "rows: 773 772 840", "697 328 1834 files".
func (s *scan) isCount(start, end int) bool {
	if r := s.e.measures.lookup(s.outerName(start)); r&roleOther != 0 {
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
		"packets", "rows", "lsn", "LSN", "scn", "SCN", "xid", "block", "nonce", "tid", "pid":
		return true
	}
	return false
}

// inTable reports whether the groups of a number up to b[end], all as wide, are columns of a
// dump: what stands beside them, a blank between, is as wide and hexadecimal, too. Two or three
// digits in a group need that on both sides.
func (s *scan) inTable(n *number, end int) bool {
	width := n.group[0].size()
	for _, g := range n.group[1:n.groups] {
		if g.start() < end && (g.size() != width || g.sep != ' ') {
			return false
		}
	}
	before := s.isColumn(n.group[0].start()-1-width, width)
	behind := s.isColumn(end+1, width)
	return before && behind || width > 3 && (before || behind)
}

// isColumn reports whether b[i:] is so many hexadecimal digits between blanks.
func (s *scan) isColumn(i, width int) bool {
	if i < 0 || i+width > len(s.b) || !isTab(at(s.b, i-1)) || !is(at(s.b, i+width), blank) {
		return false
	}
	return isHexOnly(s.b[i : i+width])
}
