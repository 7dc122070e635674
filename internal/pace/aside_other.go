//go:build !linux

package pace

func lower() {}
