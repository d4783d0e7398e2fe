package otelenv

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// variable is one whose value may be wrong. An empty value is that of one which is not
// set, as the specification has it.
type variable struct {
	name   string
	valid  func(string) bool
	advice string // what to write, behind "set it to"
}

var (
	sdkVariables = []variable{choice("OTEL_SDK_DISABLED", "true", "false")}

	exporterVariables = []variable{
		choice("OTEL_TRACES_EXPORTER", "otlp", "console", "none"),
		choice("OTEL_EXPORTER_OTLP_PROTOCOL", protocols...),
		choice("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", protocols...),
		{"OTEL_EXPORTER_OTLP_ENDPOINT", isURL, "the base URL of an OTLP receiver, such as http://host:4318"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", isURL, "the URL that spans go to, such as http://host:4318/v1/traces"},
		count("OTEL_EXPORTER_OTLP_TIMEOUT", "milliseconds"),
		count("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "milliseconds"),
		count("OTEL_BSP_SCHEDULE_DELAY", "milliseconds"),
		count("OTEL_BSP_EXPORT_TIMEOUT", "milliseconds"),
		count("OTEL_BSP_MAX_QUEUE_SIZE", "spans"),
		count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "spans"),
	}
	samplerVariables = []variable{
		choice("OTEL_TRACES_SAMPLER", "always_on", "always_off", "traceidratio",
			"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"),
		{"OTEL_TRACES_SAMPLER_ARG", isRatio, "a number from 0 to 1"},
	}

	protocols = []string{"http/protobuf", "grpc"}
)

// CheckSampler says what is wrong with OTEL_TRACES_SAMPLER and its argument. The SDK's
// tracer provider reads them where it is given no sampler.
func CheckSampler() error { return check(samplerVariables) }

// check has a line for each value that is wrong.
func check(variables []variable) error {
	var wrong []error
	for _, v := range variables {
		if value := os.Getenv(v.name); value != "" && !v.valid(value) {
			wrong = append(wrong, fmt.Errorf("%s is %q: set it to %s", v.name, value, v.advice))
		}
	}
	return errors.Join(wrong...)
}

// choice is a variable that has one of a few values. They are compared as the readers of
// the SDK do, most of which are strict about case.
func choice(name string, values ...string) variable {
	return variable{name, func(s string) bool { return slices.Contains(values, s) }, "one of " + strings.Join(values, ", ")}
}

func count(name, unit string) variable {
	return variable{name, func(s string) bool { n, err := strconv.Atoi(s); return err == nil && n > 0 }, "a number of " + unit + " above 0"}
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func isRatio(s string) bool {
	ratio, err := strconv.ParseFloat(s, 64)
	return err == nil && ratio >= 0 && ratio <= 1
}
