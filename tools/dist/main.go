// Command dist builds what a release is: for each system an archive of the binaries and what
// Kong needs beside them, a bill of materials for each binary, and the sums of all. Of one
// commit it makes the same bytes each time, on any machine with the same Go.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() { os.Exit(dist()) }

func dist() int {
	root := flag.String("root", "..", "folder of the repository")
	out := flag.String("out", "../dist", "folder to write, which is emptied first")
	systems := flag.String("systems", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64", "what to build for")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *root, *out, strings.Split(*systems, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		return 1
	}
	return 0
}

// system is what a binary is for, by Go's names.
type system struct{ os, arch string }

// programs are the binaries of a release, by the package of each.
var programs = map[string]string{"gatehouse": "./plugins/cmd/gatehouse", "bff": "./bff/cmd/bff"}

// beside are the other files of an archive, by their name there: the documents with all that
// they lead to, as in the repository, and what Kong includes.
func beside(ctx context.Context, root string) (map[string]string, error) {
	all, err := tracked(ctx, root)
	if err != nil {
		return nil, err
	}
	list, err := documents(all, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(root, name)) })
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	files := map[string]string{"LICENSE": filepath.Join(root, "LICENSE")}
	for _, name := range list {
		files[name] = filepath.Join(root, name)
	}
	for _, name := range all {
		if dir, file := path.Split(name); dir == "deploy/kong/" && path.Ext(file) != ".go" {
			files["kong/"+file] = filepath.Join(root, name)
		}
	}
	return files, nil
}

func run(ctx context.Context, root, out string, systems []string) error {
	version, err := os.ReadFile(filepath.Join(root, "internal", "version", "VERSION"))
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	made, err := commitTime(ctx, root)
	if err != nil {
		return err
	}
	commit, err := describe(ctx, root, strings.TrimSpace(string(version)))
	if err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	others, err := beside(ctx, root)
	if err != nil {
		return err
	}
	r := release{others: others, root: root, out: out, version: strings.TrimSpace(string(version)), commit: commit, made: made}
	for _, name := range systems {
		var s system
		s.os, s.arch, _ = strings.Cut(name, "/")
		if err := r.build(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return writeSums(out)
}

// commitTime is when the commit was made that is built: all files of a release are of then.
func commitTime(ctx context.Context, root string) (time.Time, error) {
	cmd := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask git for the commit's time: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return time.Unix(seconds, 0).UTC(), err
}

// describe is what the commit is called that is built: the release's tag, or what git describe
// says of one that has it not. It is as long in every clone.
func describe(ctx context.Context, root, version string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--abbrev=12", "--match", "v"+version)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask git for the commit's name: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

type release struct {
	root, out, version string
	// commit is what the binaries say that they are of.
	commit string
	others map[string]string
	made   time.Time
}

// build makes the archive of a system and the bills of its binaries.
func (r *release) build(ctx context.Context, s system) error {
	dir, err := os.MkdirTemp("", "gatehouse-dist-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	name := fmt.Sprintf("gatehouse_%s_%s_%s", r.version, s.os, s.arch)
	files := map[string]string{}
	for to, from := range r.others {
		files[name+"/"+to] = from
	}
	for program, pkg := range programs {
		binary := filepath.Join(dir, program)
		if err := r.compile(ctx, s, pkg, binary); err != nil {
			return err
		}
		bill := filepath.Join(r.out, fmt.Sprintf("%s_%s_%s_%s.cdx.json", program, r.version, s.os, s.arch))
		if err := writeBill(binary, program, r.version, bill); err != nil {
			return fmt.Errorf("bill of materials of %s: %w", program, err)
		}
		files[name+"/"+program] = binary
	}
	return writeArchive(filepath.Join(r.out, name+".tar.gz"), files, r.made)
}

// compile builds without what differs by machine and moment: paths, the state of the work
// tree, a build id.
func (r *release) compile(ctx context.Context, s system, pkg, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X github.com/gatehousehq/gatehouse/internal/version.commit="+r.commit, "-o", to, pkg)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+s.os, "GOARCH="+s.arch, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
