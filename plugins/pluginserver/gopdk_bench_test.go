package pluginserver

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/kongtest"
)

// BenchmarkAgainstGoPDK runs one plugin on go-pdk's own server and on this one,
// each in a process of its own, driven as Kong does on four connections for each
// processor. cpu-µs/event is what the
// server's process took of the CPU: the client's part is not in it.
func BenchmarkAgainstGoPDK(b *testing.B) {
	for _, calls := range []string{"none", "six"} {
		for _, server := range []string{"go-pdk", "gatehouse"} {
			b.Run(calls+"/"+server, func(b *testing.B) {
				stock := stockProcess(b, server)
				client := kongtest.NewClient(stock.socket)
				defer func() { _ = client.Close() }()
				id, err := client.StartInstance(stock.name, fmt.Appendf(nil, `{"message":%q}`, calls))
				if err != nil {
					b.Fatal(err)
				}
				before := cpuTime(b, stock.cmd.Process.Pid)
				b.SetParallelism(4)
				b.RunParallel(func(pb *testing.PB) { drive(b, pb, stock.socket, id) })
				spent := cpuTime(b, stock.cmd.Process.Pid) - before
				b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "cpu-µs/event")
			})
		}
	}
}

// drive runs events on one connection.
func drive(b *testing.B, pb *testing.PB, socket string, id int32) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	kong := &miniKong{conn: conn, in: bufio.NewReader(conn)}
	for pb.Next() {
		if err := kong.event(id); err != nil {
			b.Error(err)
			return
		}
	}
}

// miniKong answers every call with the same string, and writes a frame in two
// pieces, as pb_rpc.lua does.
type miniKong struct {
	conn net.Conn
	in   *bufio.Reader
}

var sameReply = []byte{10, 1, '/'}

func (k *miniKong) event(id int32) error {
	if err := kongtest.WriteFrame(k.conn, eventCall(1, id, "access")); err != nil {
		return err
	}
	for {
		method, err := kongtest.ReadFrame(k.in)
		if err != nil || len(method) == 0 {
			break
		}
		if _, err := kongtest.ReadFrame(k.in); err != nil {
			return err
		}
		if !bytes.Contains(method, []byte(".get")) {
			err = kongtest.WriteFrame(k.conn, nil)
		} else {
			err = kongtest.WriteFrame(k.conn, sameReply)
		}
		if err != nil {
			return err
		}
	}
	_, err := kongtest.ReadFrame(k.in)
	return err
}

// cpuTime is what a process has had of the CPU, from the kernel's accounts of
// its threads.
func cpuTime(b *testing.B, pid int) (sum time.Duration) {
	b.Helper()
	accounts, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(accounts) == 0 {
		b.Skip("no /proc/PID/task/*/schedstat here")
	}
	for _, path := range accounts {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(line))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(ns)
	}
	return sum
}
