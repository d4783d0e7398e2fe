package pluginserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// Handler answers GET /healthz with 200 while the process runs, and /readyz
// with 200 while the server accepts connections, 503 before and while it
// drains, and while Options.Ready has an error. The body of /readyz is "ok", then a line
// for each plugin that is overloaded, for each configuration that is degraded and for
// each of Options.Troubles: none takes the node out of rotation. With Options.Profiling it
// answers /debug/pprof/ as well. The caller mounts it, and /metrics beside it.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.unready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n"+s.troubles())
	})
	if s.opts.Profiling {
		mux.HandleFunc("GET /debug/pprof/{$}", listProfiles)
		mux.HandleFunc("GET /debug/pprof/profile", profileCPU)
		mux.HandleFunc("GET /debug/pprof/{name}", writeProfile)
	}
	return mux
}

// unready is why the server is to have no requests now.
func (s *Server) unready() error {
	switch {
	case !s.ready.Load():
		return errors.New("not serving")
	case s.opts.Ready != nil:
		return s.opts.Ready()
	}
	return nil
}

// maxTroubles bounds the lines of /readyz.
const maxTroubles = 100

// troubles are what is wrong and does not keep the server from serving,
// a line each.
func (s *Server) troubles() string {
	lines := append(s.overloads(), s.instances.degradations()...)
	if s.opts.Troubles != nil {
		lines = append(lines, s.opts.Troubles()...)
	}
	if more := len(lines) - maxTroubles; more > 0 {
		lines = append(lines[:maxTroubles], fmt.Sprintf("and %d more", more))
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// The profiles are written here, in the format of package net/http/pprof, as
// that package adds itself to http.DefaultServeMux of every program that
// imports it, a stock plugin's included.

// cpuProfileLimit bounds how long a CPU profile is taken.
const cpuProfileLimit = 5 * time.Minute

func listProfiles(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintln(w, "profile?seconds=30")
	for _, p := range pprof.Profiles() {
		_, _ = fmt.Fprintf(w, "%s?debug=1\t%d\n", p.Name(), p.Count())
	}
}

// writeProfile writes a profile by name, as text with ?debug=1 or 2.
func writeProfile(w http.ResponseWriter, r *http.Request) {
	p := pprof.Lookup(r.PathValue("name"))
	if p == nil {
		http.Error(w, "no such profile", http.StatusNotFound)
		return
	}
	debug, _ := strconv.Atoi(r.FormValue("debug"))
	if debug == 0 {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	_ = p.WriteTo(w, debug)
}

// profileCPU writes what the CPU does for ?seconds=N, 30 if it is not given.
func profileCPU(w http.ResponseWriter, r *http.Request) {
	length := 30 * time.Second
	if n, err := strconv.Atoi(r.FormValue("seconds")); err == nil && n > 0 {
		length = min(time.Duration(n)*time.Second, cpuProfileLimit)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := pprof.StartCPUProfile(w); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	defer pprof.StopCPUProfile()
	select {
	case <-time.After(length):
	case <-r.Context().Done():
	}
}
