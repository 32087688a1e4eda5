// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package machine

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// A Kernel is one of Debian's, unpacked.
type Kernel struct {
	Image string            // the path of the bzImage
	files map[string]string // paths of its modules by name
}

// A flavour is one of Debian's kernels.
type flavour struct {
	meta string         // the package that depends on the one of the day
	name *regexp.Regexp // the name of that one
}

var (
	cloud = flavour{"linux-image-cloud-amd64", regexp.MustCompile(`linux-image-[0-9][^ /]*-cloud-amd64`)}
	full  = flavour{"linux-image-amd64", regexp.MustCompile(`linux-image-[0-9.]+(-[0-9]+)?-amd64`)}
)

// DebianKernel is the kernel for virtual machines, linux-image-cloud-amd64:
// small, soon up, with few drivers.
//
// It is downloaded and unpacked below the user's cache directory, unless an
// earlier run did. Nothing is installed. Where the package lists are missing
// or no network is there, one that was unpacked before serves.
func DebianKernel() (*Kernel, error) { return cloud.get() }

// DebianFullKernel is the kernel for all machines, linux-image-amd64: some
// 400 MB, with the drivers and file systems for flash. See [DebianKernel].
func DebianFullKernel() (*Kernel, error) { return full.get() }

func (f flavour) get() (*Kernel, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("the virtual machine is an amd64 one, this is %s", runtime.GOARCH)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "meta-migration-tests", "kernel")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	images, _ := filepath.Glob(filepath.Join(dir, "linux-image-*", "boot", "vmlinuz-*"))
	for i := len(images) - 1; i >= 0; i-- {
		if name := filepath.Base(filepath.Dir(filepath.Dir(images[i]))); f.name.FindString(name) == name {
			return openKernel(images[i])
		}
	}
	name, err := f.download(dir)
	if err != nil && os.Geteuid() == 0 {
		// A fresh machine has no lists of packages, an old one stale lists.
		_ = exec.Command("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60", "update").Run()
		name, err = f.download(dir)
	}
	if err != nil {
		return nil, err
	}
	return unpack(dir, name)
}

// download gets the package and returns its name.
func (f flavour) download(dir string) (name string, err error) {
	depends, _ := exec.Command("apt-cache", "depends", f.meta).Output()
	if name = f.name.FindString(string(depends)); name == "" {
		return "", fmt.Errorf("apt knows no %s package", f.meta)
	}
	get := exec.Command("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::http::Timeout=20", name)
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		return "", fmt.Errorf("downloading %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return name, nil
}

// unpack lets the directory get its final name only when it is whole.
func unpack(dir, name string) (*Kernel, error) {
	debs, _ := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
	if len(debs) == 0 {
		return nil, fmt.Errorf("downloading %s: there is no file of it", name)
	}
	part, err := os.MkdirTemp(dir, "part-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(part) }()
	if out, err := exec.Command("dpkg-deb", "-x", debs[len(debs)-1], part).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("unpacking %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	whole := filepath.Join(dir, name)
	if err := os.Rename(part, whole); err != nil && !os.IsExist(err) {
		return nil, err
	}
	_ = os.Remove(debs[len(debs)-1]) // its content is there now
	had, _ := filepath.Glob(filepath.Join(whole, "boot", "vmlinuz-*"))
	if len(had) == 0 {
		return nil, fmt.Errorf("unpacking %s: it holds no kernel", name)
	}
	return openKernel(had[0])
}

func openKernel(image string) (*Kernel, error) {
	k := &Kernel{image, map[string]string{}}
	root := filepath.Dir(filepath.Dir(image))
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if name, _, ok := strings.Cut(filepath.Base(path), ".ko"); ok {
			k.files[strings.ReplaceAll(name, "-", "_")] = path
		}
		return err
	})
	return k, err
}

// A Module is what insmod loads.
type Module struct {
	Name string
	Data []byte
}

// Modules returns these modules and what they depend on, in the order in
// which they can be loaded. A name that is no file is taken as built in.
func (k *Kernel) Modules(names ...string) (all []Module, err error) {
	done := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		path := k.files[name]
		if path == "" || done[name] {
			return nil
		}
		done[name] = true
		data, err := readModule(path)
		if err != nil {
			return err
		}
		needs, err := depends(data)
		if err != nil {
			return fmt.Errorf("reading module %q: %w", path, err)
		}
		for _, need := range needs {
			if err := add(need); err != nil {
				return err
			}
		}
		all = append(all, Module{name, data})
		return nil
	}
	for _, name := range names {
		if err := add(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readModule(path string) ([]byte, error) {
	if strings.HasSuffix(path, ".xz") {
		return exec.Command("xz", "-dc", path).Output()
	}
	return os.ReadFile(path)
}

// depends reads the "depends" line of a module's .modinfo section.
func depends(data []byte) ([]string, error) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := file.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("it has no .modinfo section")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(string(info), "\x00") {
		if list, ok := strings.CutPrefix(line, "depends="); ok && list != "" {
			return strings.Split(strings.ReplaceAll(list, "-", "_"), ","), nil
		}
	}
	return nil, nil
}
