package mtls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// checkEvery is how often the files are looked at, at most, and read while they are no
// good. They are looked at when somebody connects, and when metrics are read.
const checkEvery = time.Second

// Identity is who a process is, and whom it believes. It is safe for concurrent use.
type Identity struct {
	files   Files
	clients []Name
	logger  *slog.Logger

	current atomic.Pointer[material]
	failed  atomic.Bool  // the files are not what is in use
	due     atomic.Int64 // when to look at the files again, in Unix nanoseconds

	mu      sync.Mutex
	seen    stamps
	said    fault                // which the log has been told of, without its fix
	expired *material            // which the log has been told of
	met     map[string]time.Time // when the certificates expire that clients last showed, by name
}

// stamps tell whether files have changed: what they hold, or who may read it. Content can
// change under the same size and time of change (cp -p), and an owner or a mode under the
// same content.
type stamps [3]unix.Stat_t

func (f Files) stamps() (s stamps) {
	for i, path := range []string{f.Cert, f.Key, f.CA} {
		var is unix.Stat_t
		if unix.Stat(path, &is) == nil {
			// Without the time of the last read, which is ours.
			s[i] = unix.Stat_t{Dev: is.Dev, Ino: is.Ino, Mode: is.Mode, Uid: is.Uid, Gid: is.Gid, Size: is.Size, Mtim: is.Mtim, Ctim: is.Ctim}
		}
	}
	return s
}

// Open reads the files. Its error is one line that names the file and the fix.
func Open(s Settings, logger *slog.Logger) (*Identity, error) {
	i := &Identity{files: s.Files, clients: s.Clients, logger: logger, seen: s.stamps(), met: map[string]time.Time{}}
	m, err := i.read(time.Now())
	if err != nil {
		return nil, err
	}
	i.current.Store(m)
	i.due.Store(time.Now().Add(checkEvery).UnixNano())
	return i, nil
}

func (i *Identity) read(now time.Time) (*material, error) {
	m, err := read(i.files, now)
	if err == nil {
		m.server.VerifyConnection = i.meet
	}
	return m, err
}

// meet notes when a client's certificate expires: nobody else may know of the gateway's.
func (i *Identity) meet(state tls.ConnectionState) error {
	leaf := state.PeerCertificates[0]
	for _, name := range i.clients {
		if name.in(leaf) {
			i.mu.Lock()
			i.met[name.String()] = leaf.NotAfter
			i.mu.Unlock()
		}
	}
	return nil
}

// latest is what the files hold, or what they last held that was good.
func (i *Identity) latest() *material {
	now := time.Now()
	due := i.due.Load()
	if now.UnixNano() >= due && i.due.CompareAndSwap(due, now.Add(checkEvery).UnixNano()) {
		i.refresh(now)
	}
	return i.current.Load()
}

// refresh reads files that have changed, and those that were no good at each look: what
// was wrong with them can go without a trace in them, as when a certificate becomes valid.
func (i *Identity) refresh(now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	stamps := i.files.stamps()
	if changed := stamps != i.seen; changed || i.failed.Load() {
		i.seen = stamps
		i.reload(now, changed)
	}
	if m := i.current.Load(); m != i.expired && now.After(m.leaf.NotAfter) {
		i.expired = m
		i.logger.Error("certificate has expired, and peers will refuse it: put a new one in its place",
			"file", i.files.Cert, "not_after", m.leaf.NotAfter)
	}
}

func (i *Identity) reload(now time.Time, changed bool) {
	m, err := i.read(now)
	failed := i.failed.Swap(err != nil)
	current := i.current.Load()
	switch {
	case err != nil:
		i.refuse(err, !failed || changed, current.leaf.NotAfter)
	case !m.same(current):
		i.current.Store(m)
		i.logger.Info("new certificate in use", "file", i.files.Cert, "not_after", m.leaf.NotAfter)
	case failed:
		i.logger.Info("files are good again, with the certificate that is in use", "file", i.files.Cert, "not_after", m.leaf.NotAfter)
	}
}

// refuse has one line in the log for each thing that is wrong with the files as they are.
func (i *Identity) refuse(err error, isNew bool, notAfter time.Time) {
	var f fault
	errors.As(err, &f)
	f.fix = "" // which may tell the time of day
	if !isNew && f == i.said {
		return
	}
	i.said = f
	i.logger.Error("new certificate is not used: the last good one stays", "error", err.Error(), "not_after", notAfter)
}

// Server is the configuration of a server to whom every client shows a certificate that
// one of the CAs signed.
func (i *Identity) Server() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return i.latest().server, nil },
	}
}

// handshakeTimeout bounds a client's TLS handshake; it is within a network.
const handshakeTimeout = time.Second

// Dial is for [http.Transport.DialTLSContext]: it shows the certificate to the server
// and wants one of it that is for the host dialled.
func (i *Identity) Dial(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		config := i.latest().client.Clone()
		if config.ServerName, _, err = net.SplitHostPort(addr); err != nil {
			return nil, fmt.Errorf("read address %q: %w", addr, err)
		}
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("open TLS to %s: %w", addr, err)
		}
		return secure, nil
	}
}

// Use has a transport's connections to https URLs be mutual TLS.
func (i *Identity) Use(t *http.Transport) {
	t.DialTLSContext = i.Dial(t.DialContext)
}
