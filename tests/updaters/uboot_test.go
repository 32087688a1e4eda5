// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package updaters

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// envSize is the size of U-Boot's environment in bytes: CONFIG_ENV_SIZE.
const envSize = 0x4000

// ubootEnv is the environment of U-Boot in a file, one copy: a CRC-32, then
// NAME=VALUE strings, each ended by a zero byte. What runs on the device changes
// it by fw_setenv or libubootenv, U-Boot itself by these functions.
type ubootEnv struct {
	t    *testing.T
	path string
}

func (e *ubootEnv) read() map[string]string {
	e.t.Helper()
	data, err := os.ReadFile(e.path)
	if err != nil {
		e.t.Fatal(err)
	}
	if len(data) != envSize || binary.LittleEndian.Uint32(data) != crc32.ChecksumIEEE(data[4:]) {
		e.t.Fatalf("the environment of U-Boot is damaged: %d bytes", len(data))
	}
	all := map[string]string{}
	for _, one := range bytes.Split(data[4:], []byte{0}) {
		if len(one) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(one), "=")
		all[name] = value
	}
	return all
}

// set changes variables; "" removes one.
func (e *ubootEnv) set(pairs ...string) {
	e.t.Helper()
	all := map[string]string{}
	if _, err := os.Stat(e.path); err == nil {
		all = e.read()
	}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	data := make([]byte, 4, envSize)
	for _, name := range names {
		if all[name] != "" {
			data = append(append(data, name+"="+all[name]...), 0)
		}
	}
	data = append(data, make([]byte, envSize-len(data))...)
	binary.LittleEndian.PutUint32(data, crc32.ChecksumIEEE(data[4:]))
	if err := os.MkdirAll(filepath.Dir(e.path), 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(e.path, data, 0o644); err != nil {
		e.t.Fatal(err)
	}
}

func (e *ubootEnv) get(name string) string {
	e.t.Helper()
	return e.read()[name]
}
