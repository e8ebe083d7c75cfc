//go:build linux || darwin

package embedded

import "syscall"

// freeBytes is what a user may still write on the disk of dir, 0 if that is not known.
func freeBytes(dir string) int64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0
	}
	return int64(st.Bavail) * int64(st.Bsize) //nolint:unconvert // the types differ between systems
}
