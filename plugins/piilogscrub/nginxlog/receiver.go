package nginxlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// Defaults and bounds.
const (
	defaultQueue = 8192    // lines between the socket and the writer
	maxDatagram  = 1 << 16 // longest line; nginx's own buffers are smaller
	readBuffer   = 4 << 20 // of the kernel, so that a pause of ours loses nothing
	batchBytes   = 1 << 16 // written at once, if as much is waiting
)

// Options say where lines go. Engine and Out are required.
type Options struct {
	// Engine is the engine in force at the time of a line.
	Engine func() *scrub.Engine
	// Out gets whole JSON lines, several in one write.
	Out io.Writer
	// Observe counts what was found in n bytes of lines of a log. Default: none.
	Observe func(place string, n int, t scrub.Tally)
	// Ended gets each request that is over, when its line in the format of [Include]
	// arrives, and may set its TraceID, which is then written with the line. All calls are
	// in one goroutine, and must not take long. Default: none.
	Ended func(*kongrecord.Record)
	// Registerer gets the metrics. Default: none.
	Registerer prometheus.Registerer
	// Logger gets failures to write. Default: discarded.
	Logger *slog.Logger
	// Queue is how many lines may wait. Default 8192.
	Queue int
	// Zone is the gateway's, in which it writes the times of its error log.
	// Default: time.Local.
	Zone *time.Location
	// Now is the clock, for lines without a time of their own. Default: time.Now.
	Now func() time.Time
}

func (o *Options) setDefaults() {
	if o.Observe == nil {
		o.Observe = func(string, int, scrub.Tally) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Receiver reads lines from a socket until it is closed.
type Receiver struct {
	o       Options
	path    string
	conn    *net.UnixConn
	queue   chan *[]byte
	pool    sync.Pool
	lost    atomic.Uint64 // lines that found the queue full, ever
	metrics *metrics
	done    sync.WaitGroup
}

// Listen makes the socket at path, see [Open], and begins to receive.
func Listen(path string, o Options) (*Receiver, error) {
	conn, err := Open(path)
	if err != nil {
		return nil, err
	}
	r, err := Receive(conn, o)
	if err != nil {
		return nil, errors.Join(err, conn.Close(), os.Remove(path))
	}
	r.path = path
	return r, nil
}

// Receive begins to receive from a socket, which it takes over. The socket's path is
// left alone: it may outlive this process.
func Receive(conn *net.UnixConn, o Options) (*Receiver, error) {
	if o.Engine == nil || o.Out == nil {
		return nil, errors.New("receive nginx's logs: needs an engine and a writer")
	}
	o.setDefaults()
	m := newMetrics()
	if o.Registerer != nil {
		if err := o.Registerer.Register(m); err != nil {
			return nil, fmt.Errorf("register nginx log metrics: %w", err)
		}
	}
	o.checkKernelQueue(m)
	r := &Receiver{o: o, conn: conn, queue: make(chan *[]byte, o.Queue), metrics: m}
	r.pool.New = func() any { return new([]byte) }
	r.done.Go(r.receive)
	r.done.Go(r.write)
	return r, nil
}

// checkKernelQueue says so where the kernel refuses lines under any load.
func (o *Options) checkKernelQueue(m *metrics) {
	n, ok := kernelQueue(queueSetting)
	if !ok {
		return
	}
	m.kernelQueue.Set(float64(n))
	if n < advisedKernelQueue {
		o.Logger.Error("nginx's log lines are lost under load: the kernel holds too few; raise net.unix.max_dgram_qlen before the start, or set GATEHOUSE_LOG_PHASE=event",
			"holds", n, "needs", advisedKernelQueue)
	}
}

// receive reads datagrams into the queue until [Receiver.Close] ends it.
func (r *Receiver) receive() {
	defer close(r.queue)
	buf := make([]byte, maxDatagram)
	for {
		n, err := r.conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			r.receiveRest(buf)
			return
		}
		if err != nil {
			r.o.Logger.Error("read nginx log line", "error", err)
			return
		}
		r.enqueue(buf[:n])
	}
}

// receiveRest reads what the socket holds, without waiting for more.
func (r *Receiver) receiveRest(buf []byte) {
	raw, err := r.conn.SyscallConn()
	if err != nil {
		r.o.Logger.Error("read remaining nginx log lines", "error", err)
		return
	}
	err = raw.Control(func(fd uintptr) {
		for range r.o.Queue { // nginx may go on sending
			n, _, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_DONTWAIT)
			if err != nil {
				return
			}
			r.enqueue(buf[:n])
		}
	})
	if err != nil {
		r.o.Logger.Error("read remaining nginx log lines", "error", err)
	}
}

// enqueue queues a copy of a line, or counts it as lost.
func (r *Receiver) enqueue(line []byte) {
	b := r.pool.Get().(*[]byte)
	*b = append((*b)[:0], line...)
	select {
	case r.queue <- b:
	default:
		r.pool.Put(b)
		r.lost.Add(1)
		r.metrics.lost.WithLabelValues(lostQueueFull).Inc()
	}
}

// write scrubs queued lines and writes as many at once as are waiting.
func (r *Receiver) write() {
	w := writer{zone: r.o.Zone, ended: r.o.Ended, sooner: r.metrics.countSooner}
	reported := uint64(0)
	for line := range r.queue {
		w.out = w.out[:0]
		r.add(&w, line)
		for more := true; more && len(w.out) < batchBytes; {
			select {
			case next, ok := <-r.queue:
				if more = ok; ok {
					r.add(&w, next)
				}
			default:
				more = false
			}
		}
		reported = r.report(&w, reported)
		r.flush(&w)
	}
	w.out = w.out[:0]
	if r.report(&w, reported) > reported {
		r.flush(&w)
	}
}

// add makes a JSON line of a queued one. A line that makes a detector panic is
// dropped, with a line in its place that says so.
func (r *Receiver) add(w *writer, line *[]byte) {
	began := len(w.out)
	defer r.pool.Put(line)
	defer func() {
		if v := recover(); v != nil {
			w.out = w.out[:began]
			w.note(r.o.Now(), "line dropped: it could not be examined", 1)
			r.metrics.lost.WithLabelValues(lostFailed).Inc()
			r.o.Logger.Error("scrub nginx log line", "panic", v)
		}
	}()
	w.engine, w.tally = r.o.Engine(), scrub.Tally{}
	log := w.line(*line, r.o.Now())
	r.metrics.lines.WithLabelValues(log).Inc()
	r.o.Observe(places[log], len(*line), w.tally)
}

// places are the labels under which findings are counted, by log.
var places = map[string]string{"access": "access_log", "error": "error_log", "text": "other_log"}

// report adds a line that says how many lines were lost since the last one.
func (r *Receiver) report(w *writer, reported uint64) uint64 {
	lost := r.lost.Load()
	if lost > reported {
		w.note(r.o.Now(), "lines lost: the queue was full", lost-reported)
	}
	return lost
}

func (r *Receiver) flush(w *writer) {
	if _, err := r.o.Out.Write(w.out); err != nil {
		r.metrics.lost.WithLabelValues(lostNotWritten).Inc()
		r.o.Logger.Error("write nginx log lines", "error", err, "bytes", len(w.out))
	}
}

// Close removes the socket that Listen made, reads what it still holds, writes what is queued,
// and ends. It returns early with ctx's error if that takes too long.
func (r *Receiver) Close(ctx context.Context) error {
	err := errors.Join(r.removeSocket(), r.conn.SetReadDeadline(time.Now()))
	finished := make(chan struct{})
	go func() {
		r.done.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("write queued nginx log lines: %w", ctx.Err()))
	}
	if r.o.Registerer != nil {
		r.o.Registerer.Unregister(r.metrics)
	}
	return errors.Join(err, r.conn.Close())
}

// removeSocket removes what Listen made.
func (r *Receiver) removeSocket() error {
	if r.path == "" {
		return nil
	}
	if err := os.Remove(r.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
