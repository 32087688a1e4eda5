// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package block

import (
	"os"
	"testing"

	"meta-migration/tests/crash"
)

func TestMain(m *testing.M) { os.Exit(crash.Main(m)) }
