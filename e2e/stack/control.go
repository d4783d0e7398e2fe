package stack

import (
	"context"
	"fmt"
	"slices"
)

// Kill ends a part behind the gateway at once, as a machine does that fails.
func (s *Stack) Kill(name string) error {
	i, err := s.find(name)
	if err != nil {
		return err
	}
	if err := s.children[i].cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	<-s.children[i].exited
	return nil
}

// StartAgain starts a part that was killed, and returns when it answers.
func (s *Stack) StartAgain(ctx context.Context, name string) error {
	i, err := s.find(name)
	if err != nil {
		return err
	}
	child, err := startProcess(s.children[i].part, s.LogDir())
	if err != nil {
		return err
	}
	s.children[i] = child
	return s.await(ctx, child)
}

func (s *Stack) find(name string) (int, error) {
	i := slices.IndexFunc(s.children, func(p *process) bool { return p.name == name })
	if i < 0 {
		return 0, fmt.Errorf("the stack has no part %q", name)
	}
	return i, nil
}
