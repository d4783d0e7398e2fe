package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	thisModule = "github.com/gatehousehq/gatehouse/plugins/pluginserver"
	getModule  = "go get " + thisModule + "\n"
)

// TestTemplate does with the folder to copy what its README says, up to the containers:
// copies it out of a clone, makes a module of it, tests and builds it, and dumps the info.
// Where there is a Kong, it runs the plugin.
func TestTemplate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds a plugin and runs Kong")
	}
	module, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	clone := filepath.Join(home, "clone")
	if err := os.CopyFS(filepath.Join(clone, "plugins/pluginserver/template"), os.DirFS(filepath.Join(module, "template"))); err != nil {
		t.Fatal(err)
	}
	commands := strings.Replace(templateCommands(t, module), getModule,
		"go mod edit -require "+thisModule+"@v0.0.0 -replace "+thisModule+"="+module+"\n", 1) // this version, published or not

	cmd := exec.CommandContext(t.Context(), "sh", "-ec", commands)
	cmd.Dir, cmd.Env = clone, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(`"Plugins":[{"Name":"my-plugin","Phases":["access"],"Version":"0.1.0"`)) {
		t.Fatalf("%s: %v\n%s", commands, err, out)
	}
	if _, err := exec.LookPath("kong"); err != nil {
		t.Log("not tried on Kong: there is no kong on PATH")
		return
	}
	tryTemplate(t, filepath.Join(home, "my-plugin"))
}

// templateCommands are the README's commands, but for those that need containers.
func templateCommands(t *testing.T, module string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, "template/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("```sh\n"))
	commands, _, found := strings.Cut(string(text), "docker build")
	if !found || !strings.Contains(commands, getModule) {
		t.Fatalf("the README's commands have changed:\n%s", text)
	}
	return commands
}

// tryTemplate runs Kong on the template's own kong.conf, with the paths of this machine.
func tryTemplate(t *testing.T, dir string) {
	t.Helper()
	prefix, err := os.MkdirTemp("", "gh") // short: it holds sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(prefix) })
	program, socket := filepath.Join(dir, "my-plugin"), filepath.Join(prefix, "my-plugin.socket")
	proxy := freeAddress(t)
	env := []string{
		"KONG_PROXY_LISTEN=" + proxy, "KONG_DECLARATIVE_CONFIG=" + filepath.Join(dir, "kong.yaml"),
		"KONG_PLUGINSERVER_MY_PLUGIN_SOCKET=" + socket,
		"KONG_PLUGINSERVER_MY_PLUGIN_QUERY_CMD=" + program + " -dump",
		"KONG_PLUGINSERVER_MY_PLUGIN_START_CMD=" + program + " -socket " + socket,
	}
	if out, err := kongCommand(t.Context(), t, prefix, env, "start", "-c", filepath.Join(dir, "kong.conf")).CombinedOutput(); err != nil {
		t.Fatalf("kong start: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := kongCommand(context.Background(), t, prefix, nil, "stop", "-p", prefix).CombinedOutput(); err != nil {
			t.Errorf("kong stop: %v\n%s", err, out)
		}
	})

	ask := func(client string) string { return asked(t, "http://"+proxy+"/hello", client) }
	for deadline := time.Now().Add(time.Minute); ask("web") != "200" && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond) // Kong answers before its worker has started the plugin
	}
	for client, want := range map[string]string{"web": "200", "bot": "403", "": "403"} {
		if got := ask(client); got != want {
			t.Errorf("Kong answers the client %q with %s, want %s", client, got, want)
		}
	}
}

// kongCommand is one of the Kong on PATH, which listens nowhere unless env says so.
func kongCommand(ctx context.Context, t *testing.T, prefix string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, "kong", args...)
	cmd.Dir = t.TempDir() // files of a folder that Kong runs in may hide Lua's
	cmd.Env = append(os.Environ(), "KONG_PREFIX="+prefix, "KONG_DATABASE=off", "KONG_PROXY_LISTEN=off", "KONG_ADMIN_LISTEN=off",
		"KONG_ADMIN_GUI_LISTEN=off", "KONG_STATUS_LISTEN=off", "KONG_NGINX_WORKER_PROCESSES=1", "KONG_ANONYMOUS_REPORTS=off")
	if os.Getuid() == 0 {
		cmd.Env = append(cmd.Env, "KONG_NGINX_USER=root") // its workers write the socket
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// TestKongSaysWhyAQueryFails has Kong refuse to start, and say what the query command does.
func TestKongSaysWhyAQueryFails(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("kong"); err != nil || testing.Short() {
		t.Skip("it takes seconds, and a kong on PATH")
	}
	prefix := t.TempDir()
	const why = `plugin p: version "dev" has no number`
	out, err := kongCommand(t.Context(), t, prefix, []string{
		"KONG_PROXY_LISTEN=" + freeAddress(t), "KONG_PLUGINS=bundled,p", "KONG_PLUGINSERVER_NAMES=p",
		"KONG_PLUGINSERVER_P_QUERY_CMD=/usr/bin/env '" + mainEnv + "=" + why + "' " + os.Args[0] + " -dump",
	}, "start").CombinedOutput()
	log, _ := os.ReadFile(filepath.Join(prefix, "logs", "error.log"))
	inLog := strings.ReplaceAll(why, `"`, `\"`)
	if err == nil {
		_ = kongCommand(t.Context(), t, prefix, nil, "stop", "-p", prefix).Run()
	}
	if err == nil || !strings.Contains(string(out), why) || !strings.Contains(string(log), inLog) {
		t.Errorf("kong start: %v\n%s\nits log:\n%s", err, out, log)
	}
}

// asked is the status that a client gets, or the error.
func asked(t *testing.T, url, client string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Client", client)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return fmt.Sprint(resp.StatusCode)
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}
