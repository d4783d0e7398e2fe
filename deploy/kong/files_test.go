package kong_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/deploy/kong"
	"github.com/gatehousehq/gatehouse/internal/markdown"
)

// TestImage: the image sets what programs that start a Kong here set.
func TestImage(t *testing.T) {
	t.Parallel()
	text := image(t)
	for _, setting := range append(kong.Compression, "KONG_NGINX_PROXY_ADD_HEADER="+kong.AddRetryAfter, kong.HideTraceID, kong.VariablesHash) {
		if !strings.Contains(text, " "+setting+" \\\n") {
			t.Errorf("Dockerfile.kong does not set %s", setting)
		}
	}
}

// TestAddedToKong: the kong.conf of the page for a Kong that is there already has the plugins
// and the files for nginx that the image has.
func TestAddedToKong(t *testing.T) {
	t.Parallel()
	page, err := markdown.Read("../../docs/adding-to-kong.md")
	if err != nil {
		t.Fatal(err)
	}
	conf := page.In("properties")
	if len(conf) != 1 {
		t.Fatalf("the page has %d kong.conf, want 1", len(conf))
	}
	settings := regexp.MustCompile(`(?m) KONG_((?:PLUGIN|NGINX_HTTP_)[A-Z_]*)=(.*?) \\$`).FindAllStringSubmatch(image(t), -1)
	if len(settings) < 2 {
		t.Fatalf("the image has %d settings of plugins", len(settings))
	}
	for _, setting := range settings {
		line := strings.ToLower(setting[1]) + " = " + setting[2] + "\n"
		if !strings.Contains(conf[0].Text, line) {
			t.Errorf("the page's kong.conf has no line %s", line)
		}
	}
}

// image is Dockerfile.kong without the quotes in it.
func image(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile.kong")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("'", "", `"`, "").Replace(string(text))
}
