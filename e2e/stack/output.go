package stack

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"
)

// output writes what a child prints to its log, a JSON object a line: what comes as plain
// text, such as last words and warnings of a config, becomes one. It remembers those.
type output struct {
	log  io.WriteCloser
	part string

	mu      sync.Mutex
	partial []byte   // a line that has no end yet
	recent  []string // the last lines as they came, at most maxWords and maxAfterwords
	plain   []string // the first lines of plain text, at most maxPlain
}

const (
	// maxPlain bounds the lines of plain text that are remembered.
	maxPlain = 1000
	// maxLine bounds a line, in bytes; a longer one is cut in two.
	maxLine = 1 << 20
)

// Write takes any part of any number of lines.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = append(o.partial, p...)
	var lines bytes.Buffer
	for {
		line, rest, whole := bytes.Cut(o.partial, []byte("\n"))
		if !whole && len(line) < maxLine {
			break
		}
		o.partial = rest
		lines.Write(o.line(line))
	}
	o.partial = bytes.Clone(o.partial) // and let go of what is written
	_, _ = o.log.Write(lines.Bytes())  // as far as there is room: the child must not stand still
	return len(p), nil
}

// Close writes a last line that has no end.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.partial) > 0 {
		_, _ = o.log.Write(o.line(o.partial)) // as far as there is room
		o.partial = nil
	}
	return o.log.Close()
}

// line is a line as it is written, with its end.
func (o *output) line(line []byte) []byte {
	text := strings.TrimRight(string(line), "\r")
	if text == "" {
		return nil
	}
	o.recent = append(o.recent, text)
	if len(o.recent) > maxWords+maxAfterwords {
		o.recent = o.recent[1:]
	}
	if isLogLine(text) {
		return []byte(text + "\n")
	}
	if len(o.plain) < maxPlain {
		o.plain = append(o.plain, text)
	}
	entry, err := json.Marshal(struct {
		Time    time.Time `json:"time"`
		Level   string    `json:"level"`
		Message string    `json:"msg"`
		Part    string    `json:"part"`
	}{time.Now(), levelOf(text), text, o.part})
	if err != nil {
		return nil // it has texts and a time only
	}
	return append(entry, '\n')
}

// levelOf is what plain text is about: what a command says at its end is an error.
func levelOf(text string) string {
	command, said, _ := strings.Cut(text, ": ")
	switch {
	case strings.Contains(text, "warning: "):
		return "WARN"
	case said != "" && (command == "stack" || command == "gatehouse" || command == "bff"):
		return "ERROR"
	default:
		return "INFO"
	}
}

func isLogLine(line string) bool { return strings.HasPrefix(line, "{") && json.Valid([]byte(line)) }

// said are the lines that were remembered.
func (o *output) said() (recent, plain []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, o.recent...), append([]string{}, o.plain...)
}
