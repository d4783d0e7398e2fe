package redisurl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// Explain says the likely cause of a client's error and what to do about it, in one
// line without the URL's password; nothing where the error says it all, or nothing.
func Explain(raw string, err error) string { return explain(raw, err, causes) }

// ExplainFirst is Explain for the first connection to a server: one that ends says more
// there than later, when the server was perhaps restarted.
func ExplainFirst(raw string, err error) string {
	if text := explain(raw, err, causes); text != "" {
		return text
	}
	return explain(raw, err, firstCauses)
}

func explain(raw string, err error, table []cause) string {
	u, parseErr := url.Parse(raw)
	if parseErr != nil || err == nil {
		return ""
	}
	q := u.Query()
	f := &failure{
		err: err, text: strings.ToLower(err.Error()),
		tls: strings.EqualFold(u.Scheme, "rediss"), certificate: q.Has("cert_file"),
		cluster: q.Has("cluster"), sentinels: q.Has("master_name"),
	}
	for _, c := range table {
		if c.is(f) {
			return c.says
		}
	}
	return ""
}

// failure is an error, and what the URL says of the server that gave it.
type failure struct {
	err                                  error
	text                                 string // in small letters
	tls, certificate, cluster, sentinels bool
}

// cause is one thing that goes wrong, and what to do about it.
type cause struct {
	is   func(*failure) bool
	says string
}

// causes are in the order in which they are looked for: first what a certificate is
// about, since a server that refuses one may also end the connection.
var causes = []cause{
	{wrong[x509.UnknownAuthorityError], "no authority that is trusted here has signed the server's certificate; name its PEM file with ca_file"},
	{wrong[x509.HostnameError], "the server's certificate is for another name than the URL's host; write a name that it has, or add server_name"},
	{wrong[x509.CertificateInvalidError], "the server's certificate is not valid, or not at this time; renew it, or set this machine's clock"},
	{func(f *failure) bool { return f.refusedCertificate() && f.certificate }, wrongCertificate},
	{func(f *failure) bool { return f.refusedCertificate() }, noCertificate},
	{(*failure).http, "an HTTP server answers on this port; write the host and port of the Redis"},
	{(*failure).noTLS, "this port has no TLS; write redis:// in place of rediss://, or the server's tls-port"},
	{func(f *failure) bool { return f.has("\\x15\\x03") }, "this port has TLS; write rediss:// in place of redis://"},

	{has("wrongpass"), "user or password is wrong, or the user is switched off; a user named default is meant where the URL names none"},
	{func(f *failure) bool { return f.has("noauth") && f.sentinels }, "a server wants a password; Sentinels get the one in front of the host, and the master that of ?username=USER&password=…"},
	{has("noauth"), "the server wants a password; write redis://USER:PASSWORD@host"},
	{has("without any password configured"), "the server has no password; leave it out of the URL"},
	{has("running in protected mode"), "the server answers only its own machine, since it has no password; give it one, or set protected-mode no"},
	{has("max number of clients"), "the server takes no more connections; raise its maxclients"},

	{func(f *failure) bool { return f.sentinels && errors.Is(f.err, redis.Nil) }, "the Sentinels know no master of that name; SENTINEL MASTERS lists those they know: write one as master_name"},
	{func(f *failure) bool { return f.sentinels && f.has("unknown command") }, "this is a Redis and no Sentinel; write the Sentinels' port, mostly 26379, or leave out master_name"},
	{func(f *failure) bool { return f.has("mode:sentinel") || f.has("unknown command") && f.forRedis() }, "this is a Sentinel and no Redis; add ?master_name=NAME, or write the port of the Redis"},
	{has("cluster support disabled"), "the server is no Cluster; leave out cluster=true"},
	{has("not allowed in cluster mode"), "a Cluster has no databases but 0; leave out the number, and add ?cluster=true"},
	{func(f *failure) bool {
		return !f.cluster && (f.has("moved ") || f.has("mode:cluster") || f.has("crossslot"))
	}, "the server is one of a Cluster; add ?cluster=true"},
	{func(f *failure) bool { return f.has("db index") }, "the server has fewer databases than that, 16 unless it says otherwise; write another number"},
	{func(f *failure) bool { return f.has("role:slave") || f.has("readonly ") }, "the server is a replica; write the master's address, or the Sentinels' with ?master_name=NAME"},

	{has("oom command not allowed"), "the server is full; raise its maxmemory"},
	{has("misconf"), "the server cannot save to its disk and takes no writes until it can; see its log"},
	{has("noreplicas"), "fewer replicas follow than the server's min-replicas-to-write demands; start them"},

	{func(f *failure) bool { return errors.Is(f.err, syscall.ECONNREFUSED) }, "nothing listens there; start the Redis, or write another host or port, and let it listen on more than 127.0.0.1 (bind)"},
	{func(f *failure) bool { return errors.Is(f.err, syscall.ENOENT) }, "there is no such socket; write the server's unixsocket"},
	{func(f *failure) bool { return errors.Is(f.err, syscall.EACCES) }, "this process may not open the socket; set the server's unixsocketperm"},
	{wrong[*net.DNSError], "the host's name is not known here; write another, or mend the name server"},
	{func(f *failure) bool {
		return errors.Is(f.err, syscall.EHOSTUNREACH) || errors.Is(f.err, syscall.ENETUNREACH)
	}, "no network leads to that host from here; write another, or open the way"},
}

// firstCauses are those of a first connection.
var firstCauses = []cause{
	{func(f *failure) bool { return f.tls && f.ended() && f.certificate }, wrongCertificate},
	{func(f *failure) bool { return f.tls && f.ended() }, noCertificate},
	{(*failure).ended, "the server ended the connection at the first word, as one with TLS does; write rediss:// in place of redis://"},
	{(*failure).late, "no answer in time: the server hangs, or a firewall is in the way; look whether host and port are right"},
}

const (
	noCertificate    = "the server wants a client certificate; add cert_file and key_file"
	wrongCertificate = "the server does not accept the client certificate; use one whose authority is in its tls-ca-cert-file"
)

func has(part string) func(*failure) bool { return func(f *failure) bool { return f.has(part) } }

func (f *failure) has(part string) bool { return strings.Contains(f.text, part) }

func wrong[E error](f *failure) bool {
	_, ok := errors.AsType[E](f.err)
	return ok
}

// refusedCertificate is what the server says of the client's certificate, or of none.
func (f *failure) refusedCertificate() bool {
	return f.has("remote error: tls: ") && (f.has("certificate") || f.has("handshake failure"))
}

func (f *failure) http() bool {
	record, ok := errors.AsType[tls.RecordHeaderError](f.err)
	return f.has("http/1.") || ok && string(record.RecordHeader[:4]) == "HTTP"
}

// noTLS is a connection that came about and got no handshake.
func (f *failure) noTLS() bool {
	_, record := errors.AsType[tls.RecordHeaderError](f.err)
	return record || wrong[*handshakeError](f) && (f.late() || f.ended())
}

// forRedis says that it is one of the commands that a Redis has and a Sentinel has not.
func (f *failure) forRedis() bool {
	return f.has("'evalsha'") || f.has("'select'") || f.has("'cluster'") || f.has("'mget'")
}

func (f *failure) ended() bool {
	return errors.Is(f.err, io.EOF) || errors.Is(f.err, syscall.ECONNRESET) || errors.Is(f.err, syscall.EPIPE)
}

func (f *failure) late() bool {
	timeout, ok := errors.AsType[net.Error](f.err)
	return errors.Is(f.err, context.DeadlineExceeded) || ok && timeout.Timeout()
}
