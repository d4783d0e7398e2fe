package kong_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/deploy/kong"
)

// TestImage: the image sets what programs that start a Kong here set.
func TestImage(t *testing.T) {
	t.Parallel()
	image, err := os.ReadFile("../../Dockerfile.kong")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("'", "", `"`, "").Replace(string(image))
	for _, setting := range append(kong.Compression, "KONG_NGINX_PROXY_ADD_HEADER="+kong.AddRetryAfter, kong.HideTraceID) {
		if !strings.Contains(text, " "+setting+" \\\n") {
			t.Errorf("Dockerfile.kong does not set %s", setting)
		}
	}
}
