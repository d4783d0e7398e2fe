package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeBill writes a binary's bill of materials in CycloneDX: the modules that its linker
// put into it, Go's own library among them. It has neither a time nor a serial number,
// which would differ each time; cyclonedx-gomod always writes a time.
func writeBill(binary, program, version, path string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	bom := cdx.NewBOM()
	main := component(&debug.Module{Path: info.Main.Path, Version: "v" + version})
	main.Type, main.Name = cdx.ComponentTypeApplication, program
	bom.Metadata = &cdx.Metadata{Component: &main}
	components := []cdx.Component{component(&debug.Module{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")})}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		components = append(components, component(dep))
	}
	bom.Components = &components
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(cdx.NewBOMEncoder(f, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bom), f.Close())
}

// component is a module, with the hash that go.sum has of it.
func component(m *debug.Module) cdx.Component {
	url := fmt.Sprintf("pkg:golang/%s@%s", m.Path, m.Version)
	c := cdx.Component{Type: cdx.ComponentTypeLibrary, BOMRef: url, Name: m.Path, Version: m.Version, PackageURL: url}
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
		c.Properties = &[]cdx.Property{{Name: "go:sum:h1:sha256", Value: hex.EncodeToString(sum)}}
	}
	return c
}
