package inherit

import (
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
