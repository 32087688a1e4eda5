// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

//go:build !linux

package build

func exchange(string, string) error { return errNoExchange }
