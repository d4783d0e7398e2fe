package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// recorded are the requests of which a file has an audit record.
func recorded(path string, into map[string]bool) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record struct {
			Log       string `json:"log"`
			RequestID string `json:"request_id"`
		}
		if bytes.Contains(lines.Bytes(), []byte(`"audit"`)) && json.Unmarshal(lines.Bytes(), &record) == nil && record.Log == "audit" {
			into[record.RequestID] = true
		}
	}
	return lines.Err()
}

// counters reads metrics and adds up the series that begin with a prefix and do not hold
// any of the words.
func counters(ctx context.Context, url, prefix string, without ...string) (sum float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		series, value, _ := strings.Cut(lines.Text(), "} ")
		if !strings.HasPrefix(series, prefix) || containsAny(series, without) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", series, err)
		}
		sum += n
	}
	return sum, lines.Err()
}

func containsAny(s string, words []string) bool {
	for _, word := range words {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}
