// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package vm

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// limit is how long a machine may take from its start to its end, on a host
// that has other things to do.
func limit() time.Duration {
	if isFull() {
		return 8 * time.Minute
	}
	return slowBoot
}

// slowBoot is a boot on a host that is too slow to tell anything: systemd
// itself gives up generators and devices after 90 s.
const slowBoot = 100 * time.Second

// errLate is what end returns for a machine that took too long.
var errLate = errors.New("the machine did not come to its end")

// A session is a machine that runs.
type session struct {
	cmd   *exec.Cmd
	keys  io.Writer
	begin time.Time
	over  chan struct{} // closed when qemu has ended
	err   error
	took  time.Duration

	lock    sync.Mutex
	changed *sync.Cond
	text    strings.Builder
	ended   bool
}

func newSession(cmd *exec.Cmd) (*session, error) {
	s := &session{cmd: cmd, begin: time.Now(), over: make(chan struct{})}
	s.changed = sync.NewCond(&s.lock)
	cmd.Stdout, cmd.Stderr = s, s
	// Nobody else would end a machine that does not end itself.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	keys, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.keys = keys
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(limit(), func() { _ = cmd.Process.Kill() })
	go func() {
		s.err = cmd.Wait()
		s.took = time.Since(s.begin)
		late.Stop()
		<-running
		s.lock.Lock()
		s.ended = true
		s.changed.Broadcast()
		s.lock.Unlock()
		close(s.over)
	}()
	return s, nil
}

// Write takes what the machine sends to its serial port.
func (s *session) Write(data []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.text.WriteString(strings.ReplaceAll(string(data), "\r", ""))
	s.changed.Broadcast()
	return len(data), nil
}

// wait returns when the machine has sent text.
func (s *session) wait(text string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	for !strings.Contains(s.text.String(), text) {
		if s.ended {
			return fmt.Errorf("the machine has ended before it said %q\n%s", text, s.text.String())
		}
		s.changed.Wait()
	}
	return nil
}

// enter sends a line to the machine's serial port.
func (s *session) enter(line string) error {
	_, err := io.WriteString(s.keys, line+"\n")
	return err
}

// kill is a power cut.
func (s *session) kill() {
	_ = s.cmd.Process.Kill()
	<-s.over
}

// end waits until the machine switches itself off.
func (s *session) end() (console string, err error) {
	<-s.over
	s.lock.Lock()
	defer s.lock.Unlock()
	console = s.text.String()
	switch {
	case s.took >= limit():
		err = errLate
	case s.err != nil:
		err = fmt.Errorf("running qemu: %w", s.err)
	case strings.Contains(console, "FAULT"):
		err = errors.New("the machine could not be set up")
	}
	return console, err
}

func (s *session) seconds() float64 { return s.took.Seconds() }
