// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package sys

import "syscall"

// PollFd is struct pollfd: what to wait for on one descriptor. A negative Fd
// is passed over.
type PollFd struct {
	Fd      int32
	Events  int16
	Revents int16
}

// Events of [PollFd].
const (
	POLLIN   = 0x1
	POLLOUT  = 0x4
	POLLERR  = 0x8
	POLLHUP  = 0x10
	POLLNVAL = 0x20
)

// Poll waits until an event of fds has come and returns for how many
// descriptors. A negative timeout waits for ever. An interrupted wait is not
// retried: it is n = 0 and no error, as is a timeout, so that the caller
// computes the remaining time anew.
func Poll(fds []PollFd, timeoutMillis int) (n int, err error) {
	r, e := poll(fds, timeoutMillis)
	if e == syscall.EINTR {
		return 0, nil
	}
	return r, result(e)
}
