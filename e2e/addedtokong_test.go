package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/markdown"
)

// TestAddedToKong runs the lines of docs/adding-to-kong.md on the Kong from PATH, in a
// prefix of its own. Started as root, Kong's workers are another user: with the plugin
// server as root, too, every request is a 500, and as that user they pass.
func TestAddedToKong(t *testing.T) {
	if os.Getenv("E2E_TARGET") != "kong" {
		t.Skip("it starts a Kong from PATH")
	}
	notShort(t)
	k := installBeside(t)
	if os.Geteuid() == 0 {
		stop := k.serve(t, nil)
		k.startKong(t)
		k.ask(t, http.StatusInternalServerError)
		if log := k.read(t, "kong/logs/error.log"); !strings.Contains(log, "(13: Permission denied) while logging to syslog") {
			t.Errorf("Kong's error log does not say why:\n%s", log)
		}
		stop()
		k.serve(t, k.workers(t))
	} else {
		k.serve(t, nil)
		k.startKong(t)
	}
	if out, err := k.command(t, "kong config -c kong.conf parse kong.yaml").CombinedOutput(); err == nil || !strings.Contains(string(out), "attempt to index upvalue") {
		t.Errorf("kong config parse does not crash any more; change the page: %v\n%s", err, out)
	}
	steps := strings.Split(strings.TrimSpace(k.sh(t, "the-first-config")), "\n")
	if len(steps) != 3 {
		t.Fatalf("the page has %d commands for its first config, want 3", len(steps))
	}
	if out := k.run(t, steps[0]); !strings.Contains(out, "kong.yaml: good, 1 waived") {
		t.Errorf("the check says %s", out)
	}
	if out := k.run(t, steps[1]); out != "201\n" {
		t.Errorf("the config is answered with %s", out)
	}
	out := k.run(t, steps[2])
	for _, want := range []string{" 200 OK", "\nRateLimit: ", "\nRateLimit-Policy: ", "\nX-Trace-Id: "} {
		if !strings.Contains(out, want) {
			t.Errorf("the answer has no %q:\n%s", want, out)
		}
	}
	eventually(t, "the request in the plugin server's output", func() bool { return strings.Contains(k.read(t, "serve.log"), "/orders?email=[email]") })
	for _, log := range []string{"kong/logs/access.log", "kong/logs/error.log", "serve.log"} {
		if text := k.read(t, log); strings.Contains(text, "joe@example.com") {
			t.Errorf("%s has the address:\n%s", log, text)
		}
	}
}

// besideKong is an installation as the page has it, in a folder in the place of the system's.
type besideKong struct {
	dir     string
	doc     *markdown.Document
	replace *strings.Replacer
	proxy   string
}

// installBeside does what the page says up to the config.
func installBeside(t *testing.T) *besideKong {
	t.Helper()
	dir, err := os.MkdirTemp("", "gatehouse-added-") // others may enter it, which t.TempDir's may not
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	doc, err := markdown.Read("../docs/adding-to-kong.md")
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(service.Close)
	proxy, admin := freeAddr(t), freeAddr(t)
	k := &besideKong{dir: dir, doc: doc, proxy: proxy, replace: strings.NewReplacer(
		"/opt/gatehouse", dir+"/opt", "/run/gatehouse", dir+"/run",
		" bin/gatehouse", " "+filepath.Join(gate.bin, "gatehouse"), "deploy/kong/", root(t)+"/deploy/kong/",
		"http://127.0.0.1:8080", service.URL, "127.0.0.1:8000", proxy, "127.0.0.1:8001", admin, "127.0.0.1:6379", gate.ports.Redis.Addr(),
	)}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(dir+"/run", 0o755), os.Mkdir(dir+"/opt", 0o755)); err != nil {
		t.Fatal(err)
	}
	k.run(t, k.sh(t, "the-files"))
	k.write(t, "kong.yaml", k.one(t, "yaml", "the-first-config"))
	k.write(t, "kong.conf", k.one(t, "properties", "kongconf")+fmt.Sprintf(
		"prefix = %s/kong\nproxy_listen = %s\nadmin_listen = %s\nadmin_gui_listen = off\nstatus_listen = off\nnginx_worker_processes = 1\nanonymous_reports = off\ndeclarative_config = %s/kong.yaml\n",
		dir, proxy, admin, dir))
	return k
}

// serve runs the unit's ExecStart with its environment, as its user would be.
func (k *besideKong) serve(t *testing.T, as *syscall.Credential) (stop func()) {
	t.Helper()
	unit := k.one(t, "ini", "the-process")
	if as != nil {
		if err := os.Chown(k.dir+"/run", int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := k.command(t, "exec "+value(t, unit, "ExecStart"))
	cmd.Env = append(os.Environ(), "GATEHOUSE_HTTP="+freeAddr(t))
	for _, set := range regexp.MustCompile(`(?m)^Environment=(.*)$`).FindAllStringSubmatch(unit, -1) {
		cmd.Env = append(cmd.Env, set[1])
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	log, err := os.Create(k.dir + "/serve.log")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	eventually(t, "the plugin server's socket", func() bool {
		conn, err := net.Dial("unix", k.dir+"/run/gatehouse.sock")
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return stop
}

func (k *besideKong) startKong(t *testing.T) {
	t.Helper()
	k.run(t, "kong start -c kong.conf")
	t.Cleanup(func() {
		if out, err := exec.CommandContext(context.Background(), "kong", "stop", "-p", k.dir+"/kong").CombinedOutput(); err != nil {
			t.Errorf("kong stop: %v\n%s", err, out)
		}
	})
}

// workers are who Kong's workers run as, by what the page prints them with.
func (k *besideKong) workers(t *testing.T) *syscall.Credential {
	t.Helper()
	found := strings.Fields(k.run(t, k.sh(t, "the-process")))
	for _, name := range []string{"kong", "nobody"} {
		for _, other := range found {
			if name != other {
				continue
			}
			u, err := user.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
			gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
			if err := errors.Join(errUID, errGID); err != nil {
				t.Fatal(err)
			}
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatalf("Kong's workers are none of kong and nobody: %q", found)
	return nil
}

// ask sends a request to Kong, which may take a moment to have its config.
func (k *besideKong) ask(t *testing.T, status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+k.proxy+"/orders", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	send(t, req).wantStatus(t, status)
}

func (k *besideKong) sh(t *testing.T, anchor string) string { return k.one(t, "sh", anchor) }

// one is the page's one block of a language under a heading, for this folder.
func (k *besideKong) one(t *testing.T, language, anchor string) string {
	t.Helper()
	var found []string
	for _, b := range k.doc.In(language) {
		if b.Anchor == anchor {
			found = append(found, b.Text)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the page has %d blocks of %s under #%s, want 1", len(found), language, anchor)
	}
	return k.replace.Replace(found[0])
}

func (k *besideKong) run(t *testing.T, script string) string {
	t.Helper()
	out, err := k.command(t, script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func (k *besideKong) command(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir = k.dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd
}

func (k *besideKong) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read is a file of the folder; empty if there is none.
func (k *besideKong) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// value is a setting of a unit.
func value(t *testing.T, unit, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(unit, "\n"+name+"=")
	if !found {
		t.Fatalf("the unit has no %s", name)
	}
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

// root is the repository's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}
