// Package nginxlog receives nginx's access and error log over a unix datagram
// socket, takes personal data out of each line, and writes it as JSON.
//
// No Kong plugin can reach these logs: nginx writes the request line into both.
// Kong sends them to a socket with
//
//	KONG_PROXY_ACCESS_LOG="syslog:server=unix:/path,nohostname kong_log_format"
//	KONG_PROXY_ERROR_LOG="syslog:server=unix:/path,nohostname"
//
// Lines are read in one goroutine, which does nothing else, into a queue of
// bounded size, and scrubbed and written in another. A line that finds the queue
// full is lost: it is counted, and a line in the log itself says so. What nginx could
// not send, because the kernel's queue was full, the kernel does not tell the
// receiver; Listen warns where that queue is short, and the difference between the
// requests that the plugin saw and the access lines that came is what was lost.
package nginxlog
