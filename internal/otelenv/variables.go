package otelenv

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/regularfile"
)

// variable is one whose value may be wrong. An empty value is that of one which is not
// set, as the specification has it.
type variable struct {
	name   string
	valid  func(string) bool
	advice string // what to write, behind "set it to"
	secret bool   // the value is for nobody to read
}

var (
	sdkVariables = []variable{boolean("OTEL_SDK_DISABLED")}

	exporterVariables = []variable{
		choice("OTEL_TRACES_EXPORTER", "otlp", "console", "none"),
		choice("OTEL_EXPORTER_OTLP_PROTOCOL", protocols...),
		choice("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", protocols...),
		{"OTEL_EXPORTER_OTLP_ENDPOINT", isURL, "the base URL of an OTLP receiver, such as http://host:4318", false},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", isURL, "the URL that spans go to, such as http://host:4318/v1/traces", false},
		headers("OTEL_EXPORTER_OTLP_HEADERS"),
		headers("OTEL_EXPORTER_OTLP_TRACES_HEADERS"),
		choice("OTEL_EXPORTER_OTLP_COMPRESSION", compressions...),
		choice("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", compressions...),
		pemFile("OTEL_EXPORTER_OTLP_CERTIFICATE"),
		pemFile("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"),
		pemFile("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
		pemFile("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"),
		pemFile("OTEL_EXPORTER_OTLP_CLIENT_KEY"),
		pemFile("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"),
		count("OTEL_EXPORTER_OTLP_TIMEOUT", "milliseconds"),
		count("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "milliseconds"),
		count("OTEL_BSP_SCHEDULE_DELAY", "milliseconds"),
		count("OTEL_BSP_EXPORT_TIMEOUT", "milliseconds"),
		count("OTEL_BSP_MAX_QUEUE_SIZE", "spans"),
		count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "spans"),
		limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
		limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
		limit("OTEL_SPAN_EVENT_COUNT_LIMIT"),
		limit("OTEL_SPAN_LINK_COUNT_LIMIT"),
		limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"),
		limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
	}
	samplerVariables = []variable{
		choice("OTEL_TRACES_SAMPLER", "always_on", "always_off", "traceidratio",
			"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"),
		{"OTEL_TRACES_SAMPLER_ARG", isRatio, "a number from 0 to 1", false},
	}

	protocols    = []string{"http/protobuf", "grpc"}
	compressions = []string{"gzip", "none"}
)

// CheckSampler says what is wrong with OTEL_TRACES_SAMPLER and its argument. The SDK's
// tracer provider reads them where it is given no sampler.
func CheckSampler() error { return check(samplerVariables) }

// Check says what is wrong with any variable of the SDK's that [Exporter] and its sampler
// would read, for who starts programs that have them.
func Check() error {
	if err := check(sdkVariables); err != nil || disabled() {
		return err
	}
	return errors.Join(check(exporterVariables), CheckSampler())
}

// check has a line for each value that is wrong.
func check(variables []variable) error {
	var wrong []error
	for _, v := range variables {
		value := os.Getenv(v.name)
		if value == "" || v.valid(value) {
			continue
		}
		what := strconv.Quote(value)
		if v.secret {
			what = "not readable, and not shown here"
		}
		wrong = append(wrong, fmt.Errorf("%s is %s: set it to %s", v.name, what, v.advice))
	}
	return errors.Join(wrong...)
}

// choice is a variable that has one of a few values. They are compared as the readers of
// the SDK do, most of which are strict about case.
func choice(name string, values ...string) variable {
	return variable{name, func(s string) bool { return slices.Contains(values, s) }, "one of " + strings.Join(values, ", "), false}
}

// boolean is a variable that is true or false in any case, as the specification says
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#boolean).
func boolean(name string) variable {
	return variable{name, func(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }, "one of true, false", false}
}

func count(name, unit string) variable {
	return variable{name, func(s string) bool { n, err := strconv.Atoi(s); return err == nil && n > 0 }, "a number of " + unit + " above 0", false}
}

func limit(name string) variable {
	return variable{name, func(s string) bool { _, err := strconv.Atoi(s); return err == nil }, "a whole number, or -1 for no limit", false}
}

// headers are what a vendor's key is in. The SDK logs a pair that it cannot read, and goes
// on without it.
func headers(name string) variable {
	return variable{name, isHeaders, "NAME=VALUE,NAME=VALUE, with %20 for a space and %2C for a comma in a value", true}
}

func isHeaders(s string) bool {
	for pair := range strings.SplitSeq(s, ",") {
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		if _, err := url.PathUnescape(value); err != nil || !found || name == "" || strings.ContainsFunc(name, notOfToken) {
			return false
		}
	}
	return true
}

// notOfToken reports whether the name of a header cannot have a character in it (RFC 9110,
// 5.6.2).
func notOfToken(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// pemFile is a file that there is. Without it, the SDK goes on as if none were named.
func pemFile(name string) variable {
	return variable{name, isPEMFile, "the path of a PEM file that this process may read", false}
}

func isPEMFile(path string) bool {
	text, err := regularfile.Read(path)
	if err != nil {
		return false
	}
	block, _ := pem.Decode(text)
	return block != nil
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func isRatio(s string) bool {
	ratio, err := strconv.ParseFloat(s, 64)
	return err == nil && ratio >= 0 && ratio <= 1
}
