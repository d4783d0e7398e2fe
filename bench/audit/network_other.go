//go:build !linux

package audit

import "os/exec"

func ownNetwork() string { return "Linux" }

func enterNetwork() (*exec.Cmd, error) { return nil, nil }

func shortQueue(*trial) error { return nil }
