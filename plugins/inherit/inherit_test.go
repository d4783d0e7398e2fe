package inherit

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const variable = "GATEHOUSE_TEST_FD"

func TestFile(t *testing.T) {
	if file, err := File(variable); file != nil || err != nil {
		t.Errorf("without the variable: %v, %v; want none", file, err)
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(variable, strconv.Itoa(fd))
	inherited, err := File(variable)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	want, _ := file.Stat()
	if got, err := inherited.Stat(); err != nil || !os.SameFile(got, want) {
		t.Errorf("inherited %v, %v; want %v", got, err, want)
	}
	if _, ok := os.LookupEnv(variable); ok {
		t.Error("the variable is still set: children would take the file for theirs")
	}
}

func TestFileRefusesWhatIsNoDescriptor(t *testing.T) {
	for _, value := range []string{"", "x", "2", "-1", "99999999999999999999"} {
		t.Setenv(variable, value)
		if _, err := File(variable); err == nil || !strings.Contains(err.Error(), variable+"="+strconv.Quote(value)) {
			t.Errorf("%q: %v, want an error that names the variable and the value", value, err)
		}
	}
}

// TestHold: the descriptor is the same socket, and nothing else in this process has it.
func TestHold(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := Hold(ln.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept on what was held: %v, want that it is closed", err)
	}
	t.Setenv(variable, strconv.Itoa(fd))
	inherited, err := Listener(variable)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	if got, want := inherited.Addr().String(), ln.Addr().String(); got != want {
		t.Errorf("the descriptor listens on %s, want %s", got, want)
	}
}

func TestHoldWhatIsClosed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if fd, err := Hold(ln.(*net.TCPListener)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Hold = %d, %v, want that it is closed", fd, err)
	}
}
