// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build amd64 || ppc64 || ppc64le || s390x

package sys

import "syscall"

const sysFstatat = syscall.SYS_NEWFSTATAT
