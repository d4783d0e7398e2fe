package scrub

import "testing"

// cleanLines are lines of Kong's access log in which nothing is to be found.
var cleanLines = []string{
	`- - - [24/Nov/2025:03:13:41 +0000] "GET /web/v1/dashboard?page=2&limit=50&sort=created_at HTTP/1.1" 200 4821 "https://app.example.com/orders?tab=open" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36" kong_request_id: "6b3f0a1c2d4e5f60718293a4b5c6d7e8"`,
	`- - - [24/Nov/2025:03:13:42 +0000] "GET /mobile/v1/orders/550e8400-e29b-41d4-a716-446655440000 HTTP/2.0" 200 913 "-" "Gatehouse/4.12.0 (iPhone; iOS 17.5.1; Scale/3.00)" kong_request_id: "0f9e8d7c6b5a49382716051423324150"`,
	`- - - [24/Nov/2025:03:13:43 +0000] "POST /partner/v2/orders HTTP/1.1" 201 77 "-" "okhttp/4.12.0" kong_request_id: "a1b2c3d4e5f60718293a4b5c6d7e8f90"`,
	`- - - [24/Nov/2025:03:13:44 +0000] "GET /partner/v2/orders/8812734?since=1763953200000&fields=id,status,total HTTP/1.1" 304 0 "-" "python-requests/2.32.3" kong_request_id: "ffeeddccbbaa99887766554433221100"`,
}

// foundLines are such lines with two findings each.
var foundLines = []string{
	`203.0.113.7 - - [24/Nov/2025:03:13:41 +0000] "GET /web/v1/search?q=john.doe@example.com&page=2 HTTP/1.1" 200 4821 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36" kong_request_id: "6b3f0a1c2d4e5f60718293a4b5c6d7e8"`,
	`- - - [24/Nov/2025:03:13:42 +0000] "GET /pay?card=4111111111111111&phone=%2B12125550100 HTTP/1.1" 200 913 "-" "Gatehouse/4.12.0 (iPhone; iOS 17.5.1; Scale/3.00)" kong_request_id: "0f9e8d7c6b5a49382716051423324150"`,
}

func joinedSize(lines []string) (n int64) {
	for _, l := range lines {
		n += int64(len(l))
	}
	return n
}

// countTable is the floor of anything that reads every byte: it looks each one up
// in a table. It is not inlined, as inside of b.Loop the sum would be kept in
// memory, which makes it four times slower than it is.
//
//go:noinline
func countTable(line []byte) (n int) {
	for _, c := range line {
		n += int(classes[c])
	}
	return n
}

func BenchmarkTableLoop(b *testing.B) {
	b.SetBytes(joinedSize(cleanLines))
	lines := bytesOf(cleanLines)
	for b.Loop() {
		for _, line := range lines {
			if countTable(line) == 0 {
				b.Fatal("nothing was read")
			}
		}
	}
}

func bytesOf(lines []string) (out [][]byte) {
	for _, l := range lines {
		out = append(out, []byte(l))
	}
	return out
}

func benchmarkScrub(b *testing.B, list []string, f Format, want int) {
	e := newEngine(b, Policy{})
	lines := bytesOf(list)
	dst := make([]byte, 0, 1<<10)
	b.SetBytes(joinedSize(list))
	b.ReportAllocs()
	found := 0
	for b.Loop() {
		found = 0
		for _, line := range lines {
			var t Tally
			dst, t = e.Scrub(dst[:0], line, f)
			found += t.Total()
		}
	}
	if found != want {
		b.Fatalf("found %d values, want %d", found, want)
	}
}

func BenchmarkAccessClean(b *testing.B) { benchmarkScrub(b, cleanLines, FormatAccess, 0) }
func BenchmarkTextClean(b *testing.B)   { benchmarkScrub(b, cleanLines, FormatText, 0) }
func BenchmarkAccessFound(b *testing.B) { benchmarkScrub(b, foundLines, FormatAccess, 4) }
func BenchmarkTextFound(b *testing.B)   { benchmarkScrub(b, foundLines, FormatText, 4) }

func BenchmarkFindings(b *testing.B) {
	e := newEngine(b, Policy{})
	lines := bytesOf(foundLines)
	var found []Finding
	b.SetBytes(joinedSize(foundLines))
	b.ReportAllocs()
	for b.Loop() {
		found = found[:0]
		for _, line := range lines {
			found = e.Findings(found, line, FormatAccess)
		}
	}
	if len(found) != 4 {
		b.Fatalf("found %d values, want 4", len(found))
	}
}
