// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// machine describes where and when the tables were made.
func machine(b *bench) string {
	var info syscall.Sysinfo_t
	_ = syscall.Sysinfo(&info)
	memory := float64(info.Totalram) * float64(info.Unit) / (1 << 30)
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("\n%s: %s; %d processors (%s), %.0f GiB, Linux %s, %s, load %.1f at the end.\n",
		time.Now().UTC().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), processor(), memory,
		strings.TrimSpace(string(kernel)), system(), load()) +
		fmt.Sprintf("%d rounds; %s.\n", b.rounds, b.origin())
}

func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(data), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// system is the distribution, and whether it is a virtual machine.
func system() string {
	name := "an unknown system"
	data, _ := os.ReadFile("/etc/os-release")
	for _, line := range strings.Split(string(data), "\n") {
		if value, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			name = strings.Trim(value, `"`)
		}
	}
	if out, err := exec.Command("systemd-detect-virt").Output(); err == nil {
		name += " in a virtual machine (" + strings.TrimSpace(string(out)) + ")"
	} else if data, _ := os.ReadFile("/proc/cpuinfo"); strings.Contains(string(data), "hypervisor") {
		name += " in a virtual machine"
	}
	return name
}

func load() float64 {
	var one float64
	data, _ := os.ReadFile("/proc/loadavg")
	_, _ = fmt.Sscan(string(data), &one)
	return one
}
