// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package flash

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"meta-migration/tests/machine"
)

// memorySize is the machine's memory, in MiB. The flash is somewhere in it.
const memorySize = 256

// A guest is a machine with flash, for one boot.
type guest struct {
	kernel  *machine.Kernel
	program string            // this package's test program
	busybox string            //
	files   map[string]string // what else is in its initramfs: path there, path here
	jobs    []job
	states  [][]byte // for the jobs to put on the flash
	// watch is called while the runner works on a job that is watched, and
	// once when it has ended, with the flash of that moment.
	watch func(job int, flash []byte, ended bool)

	memory     *os.File  // of the machine
	pages      []int64   // where in it the pages of the flash are
	candidates [][]int64 // where each may be
	process    *os.Process
}

const guestInit = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mkdir -p /tmp
for module in /modules/*; do
    set -- $module
    case $module in
    *-mtdram) set -- $module total_size=%d erase_size=%d writebufsize=64 ;;
    esac
    /bin/busybox insmod "$@" || echo "FAULT insmod $module"
done
FLASH_GUEST=1 /guest -test.run '^TestGuest$' -test.timeout 0 || echo "FAULT guest"
/bin/busybox poweroff -f
`

func (g *guest) initramfs() ([]byte, error) {
	var a machine.Archive
	for _, dir := range []string{"bin", "rootbin", "proc", "sys", "dev", "mnt", "modules", "runners", "trees"} {
		a.Dir(dir)
	}
	files := map[string]string{"bin/busybox": g.busybox, "rootbin/busybox": g.busybox, "guest": g.program}
	for to, from := range g.files {
		files[to] = from
	}
	for to, from := range files {
		data, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		a.Program(to, data)
	}
	for _, name := range []string{"sh", "cp", "mv", "rm", "mkdir", "chmod", "ln", "cat", "mkfifo"} {
		a.Link("rootbin/"+name, "busybox")
	}
	modules, err := g.kernel.Modules("virtio_pci", "virtio_blk", "mtdram", "jffs2", "zstd", "ubi", "ubifs")
	if err != nil {
		return nil, err
	}
	for i, mod := range modules {
		a.Add(fmt.Sprintf("modules/%02d-%s", i, mod.Name), 0o100644, mod.Data)
	}
	text, err := json.Marshal(g.jobs)
	if err != nil {
		return nil, err
	}
	a.Add("jobs", 0o100644, text)
	a.Add("dev/console", 0o020600, nil)
	a.Program("init", []byte(fmt.Sprintf(guestInit, flashSize>>10, eraseSize>>10)))
	return a.Bytes(), nil
}

// boot runs the machine to its end. dir is for its files. On a loaded host an
// emulated timer can be late enough for the kernel to give up before it has
// started init: then it is booted once more.
func (g *guest) boot(dir string) (all []report, err error) {
	for tries := 0; tries < 2; tries++ {
		all, err = g.bootOnce(dir)
		if err == nil || strings.Contains(err.Error(), "FAULT") || g.pages != nil {
			break
		}
	}
	return all, err
}

func (g *guest) bootOnce(dir string) (all []report, err error) {
	image, err := g.initramfs()
	if err != nil {
		return nil, err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, data := range map[string][]byte{"initrd": image, "reports": make([]byte, 64<<20), "states": bytes.Join(append(g.states, make([]byte, flashSize)), nil)} {
		if err := os.WriteFile(file(name), data, 0o600); err != nil {
			return nil, err
		}
	}
	if g.memory, err = os.OpenFile(file("memory"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, err
	}
	defer g.memory.Close()
	args := g.kernel.Args(file("initrd"), "rdinit=/init")
	for i := range args {
		if args[i] == "-m" {
			args[i+1] = fmt.Sprintf("%dM", memorySize)
		}
	}
	args = append(args, "-no-reboot", "-machine", "pc,memory-backend=ram",
		"-object", fmt.Sprintf("memory-backend-file,id=ram,size=%dM,mem-path=%s,share=on", memorySize, file("memory")))
	for _, name := range []string{"reports", "states"} {
		args = append(args, "-drive", "if=none,id="+name+",format=raw,cache=unsafe,file="+file(name), "-device", "virtio-blk-pci,drive="+name)
	}
	console, err := g.follow(exec.Command(machine.Qemu, args...))
	if err != nil || strings.Contains(console, "FAULT") {
		return nil, fmt.Errorf("running the machine: %v\n%s", err, console)
	}
	if all, err = g.reports(file("reports")); err != nil {
		err = fmt.Errorf("%w\n%s", err, console)
	}
	return all, err
}

func (g *guest) reports(disk string) (reports []report, err error) {
	data, err := os.ReadFile(disk)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(data)
	if n == 0 || n > uint64(len(data)-8) {
		return nil, fmt.Errorf("reading the machine's reports: there are none")
	}
	if err := json.Unmarshal(data[8:8+n], &reports); err != nil {
		return nil, err
	}
	if len(reports) != len(g.jobs) {
		return nil, fmt.Errorf("reading the machine's reports: %d of %d", len(reports), len(g.jobs))
	}
	return reports, nil
}

// follow runs qemu and answers what its console says.
func (g *guest) follow(cmd *exec.Cmd) (console string, err error) {
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	g.process = cmd.Process
	timer := time.AfterFunc(time.Duration(3+len(g.jobs)/2)*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var said strings.Builder
	var stop chan bool
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		said.WriteString(line + "\n")
		number := 0
		what, rest, _ := strings.Cut(line, " ")
		if _, err := fmt.Sscan(rest, &number); err != nil {
			continue
		}
		switch what {
		case saysTagged:
			if err := g.findPages(number); err != nil {
				_ = cmd.Process.Kill()
				return said.String() + err.Error(), cmd.Wait()
			}
		case saysBegin:
			stop = make(chan bool)
			go g.copyAlways(number, stop)
		case saysEnd:
			stop <- true
			g.copy(number, true)
		default:
			continue
		}
		if _, err := io.WriteString(in, "go\n"); err != nil {
			break
		}
	}
	return said.String(), cmd.Wait()
}

// copyAlways copies the flash of a job until it is told to stop.
func (g *guest) copyAlways(number int, stop chan bool) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(500 * time.Microsecond):
			g.copy(number, false)
		}
	}
}

// copy stops the machine, copies the flash of a job, and lets it go on.
func (g *guest) copy(number int, ended bool) {
	data := make([]byte, flashSize)
	if g.process.Signal(syscall.SIGSTOP) != nil {
		return
	}
	waitStopped(g.process.Pid)
	err := g.readFlash(data)
	_ = g.process.Signal(syscall.SIGCONT)
	if err == nil {
		g.watch(number, data, ended)
	}
}

// readFlash gathers the pages; those that follow one another at once.
func (g *guest) readFlash(data []byte) error {
	for from := 0; from < len(g.pages); {
		to := from + 1
		for to < len(g.pages) && g.pages[to] == g.pages[to-1]+pageSize {
			to++
		}
		if _, err := g.memory.ReadAt(data[from*pageSize:to*pageSize], g.pages[from]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// findPages looks for the tags of a round in the machine's memory. In the
// first round a tag may be in several places, of which the last round leaves
// one.
func (g *guest) findPages(round int) error {
	pages := map[string]int{}
	for page := 0; page < flashSize/pageSize; page++ {
		pages[string(tag(round, page))] = page
	}
	found := make([][]int64, len(pages))
	head := make([]byte, sha256.Size)
	for at := int64(0); at < memorySize<<20; at += pageSize {
		if _, err := g.memory.ReadAt(head, at); err != nil {
			return fmt.Errorf("looking for the flash: %w", err)
		}
		page, ok := pages[string(head)]
		if ok && (round == 0 || slices.Contains(g.candidates[page], at)) {
			found[page] = append(found[page], at)
		}
	}
	g.candidates, g.pages = found, nil
	for page, places := range found {
		if len(places) == 0 || round == tagRounds-1 && len(places) > 1 {
			return fmt.Errorf("looking for the flash: page %d is at %d", page, places)
		}
		g.pages = append(g.pages, places[0])
	}
	return nil
}

// waitStopped waits until every thread has stopped.
func waitStopped(pid int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, task := range tasks {
		for tries := 0; tries < 1000; tries++ {
			data, err := os.ReadFile(task)
			if err != nil || bytes.HasPrefix(data[bytes.LastIndexByte(data, ')')+1:], []byte(" T")) {
				break
			}
			time.Sleep(50 * time.Microsecond)
		}
	}
}
