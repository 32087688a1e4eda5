// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package flash

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"meta-migration/tests/crash"
)

// guestVar is set where this program runs in the machine.
const guestVar = "FLASH_GUEST"

const mountPoint = "/mnt"

// TestGuest is the part in the machine: it does the jobs of /jobs and writes
// the reports to the disk /dev/vda, behind their length.
func TestGuest(t *testing.T) {
	if os.Getenv(guestVar) == "" {
		t.Skip("skipping: it runs in the machine that other tests boot")
	}
	text, err := os.ReadFile("/jobs")
	fatal(t, err)
	var jobs []job
	fatal(t, json.Unmarshal(text, &jobs))
	host := bufio.NewReader(os.Stdin)
	reports := make([]report, len(jobs))
	for i := range jobs {
		if err := jobs[i].do(t, i, host, &reports[i]); err != nil {
			reports[i].Trouble = err.Error() + "\n" + kernelSays()
		}
	}
	text, err = json.Marshal(reports)
	fatal(t, err)
	disk, err := os.OpenFile("/dev/vda", os.O_WRONLY|syscall.O_SYNC, 0)
	fatal(t, err)
	_, err = disk.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...))
	fatal(t, err)
	fatal(t, disk.Close())
}

// kernelSays is the end of the kernel's log, which knows why.
func kernelSays() string {
	const readAll = 3
	text := make([]byte, 64<<10)
	n, err := syscall.Klogctl(readAll, text)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, n-1500):n])
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (j *job) do(t *testing.T, number int, host *bufio.Reader, r *report) error {
	flash, err := os.OpenFile("/dev/mtd0", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer flash.Close()
	if j.Watched && number == 0 {
		if err := tagAll(flash, host); err != nil {
			return err
		}
	}
	if err := j.load(flash); err != nil {
		return err
	}
	if j.Tree != "" {
		if err := j.mounted(true, func() error { return run("tar", "xf", j.Tree, "-C", mountPoint) }); err != nil {
			return fmt.Errorf("filling the flash: %w", err)
		}
	}
	return j.mounted(false, func() error {
		r.Before = crash.See(t, mountPoint)
		if err := syscall.Mount("/rootbin", mountPoint+"/bin", "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting /bin: %w", err)
		}
		if j.Watched {
			tell(saysBegin, number, host)
		}
		stop := make(chan bool)
		if j.Busy {
			go syncAlways(stop)
		}
		cmd := exec.Command(j.Runner, "run", "--root", mountPoint)
		out, err := cmd.CombinedOutput()
		close(stop)
		if cmd.ProcessState == nil {
			return err
		}
		if j.Watched {
			tell(saysEnd, number, host)
		}
		r.Exit, r.Output = cmd.ProcessState.ExitCode(), string(out)
		r.After = crash.See(t, mountPoint)
		return syscall.Unmount(mountPoint+"/bin", 0)
	})
}

func syncAlways(stop chan bool) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
			syscall.Sync()
		}
	}
}

func tell(what string, number int, host *bufio.Reader) {
	fmt.Printf("\n%s %d\n", what, number)
	_, _ = host.ReadString('\n')
}

// tagAll lets the host find out where in the machine's memory the pages of
// the flash are. A second round tells them from copies that are left of the
// first.
func tagAll(flash *os.File, host *bufio.Reader) error {
	for round := 0; round < tagRounds; round++ {
		for i := 0; i < flashSize/pageSize; i++ {
			page := i
			if round%2 == 1 {
				page = flashSize/pageSize - 1 - i
			}
			if _, err := flash.WriteAt(tag(round, page), int64(page)*pageSize); err != nil {
				return fmt.Errorf("tagging the flash: %w", err)
			}
		}
		tell(saysTagged, round, host)
	}
	return nil
}

// load puts a state on the flash, or makes it fresh.
func (j *job) load(flash *os.File) error {
	data := bytes.Repeat([]byte{0xff}, flashSize)
	if j.Tree == "" {
		disk, err := os.Open("/dev/vdb")
		if err != nil {
			return err
		}
		defer disk.Close()
		if _, err := disk.ReadAt(data, int64(j.State)*flashSize); err != nil {
			return fmt.Errorf("reading a state: %w", err)
		}
	}
	for at := 0; at < len(data); at += eraseSize {
		if _, err := flash.WriteAt(data[at:at+eraseSize], int64(at)); err != nil {
			return fmt.Errorf("loading the flash: %w", err)
		}
	}
	return nil
}

// mounted mounts the flash while f runs. fresh flash is empty.
func (j *job) mounted(fresh bool, f func() error) error {
	source := "mtd0"
	if j.Kind == "ubifs" {
		if err := attach(fresh); err != nil {
			return err
		}
		defer detach()
		source = "ubi0:data"
	}
	if err := syscall.Mount(source, mountPoint, j.Kind, 0, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", j.Kind, err)
	}
	err := f()
	if e := syscall.Unmount(mountPoint, 0); err == nil && e != nil {
		err = fmt.Errorf("unmounting: %w", e)
	}
	return err
}

func run(name string, args ...string) error {
	if out, err := exec.Command("/bin/busybox", append([]string{name}, args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// Requests of the kernel's include/uapi/mtd/ubi-user.h.
const (
	ubiAttach     = 0x40186f40
	ubiDetach     = 0x40046f41
	ubiMakeVolume = 0x40986f00
)

// attach makes UBI device 0 of flash device 0; on fresh flash with one volume
// of all its space.
func attach(fresh bool) error {
	request := [24]byte{}
	if err := control("/dev/ubi_ctrl", ubiAttach, unsafe.Pointer(&request)); err != nil {
		return fmt.Errorf("attaching UBI: %w", err)
	}
	if !fresh {
		return nil
	}
	var space [2]int64
	for i, name := range []string{"avail_eraseblocks", "eraseblock_size"} {
		text, err := os.ReadFile("/sys/class/ubi/ubi0/" + name)
		if err != nil {
			return err
		}
		if space[i], err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err != nil {
			return err
		}
	}
	const dynamic = 3
	volume := [152]byte{16: dynamic, 18: 4}
	binary.LittleEndian.PutUint32(volume[4:], 1) // alignment
	binary.LittleEndian.PutUint64(volume[8:], uint64(space[0]*space[1]))
	copy(volume[24:], "data")
	if err := control("/dev/ubi0", ubiMakeVolume, unsafe.Pointer(&volume)); err != nil {
		return fmt.Errorf("making a UBI volume: %w", err)
	}
	return nil
}

func detach() {
	var number int32
	_ = control("/dev/ubi_ctrl", ubiDetach, unsafe.Pointer(&number))
}

func control(path string, request uintptr, argument unsafe.Pointer) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(argument)); e != 0 {
		return e
	}
	return nil
}
