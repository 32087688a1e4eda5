// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build !linux

package build

import "os"

func syncFileSystem(*os.File) error { return errNoSyncfs }
