package broker

import (
	"net"
	"syscall"
	"time"
)

// tcpUserTimeout is the socket option of that name, which package syscall does not have.
const tcpUserTimeout = 0x12

// limitSilence has the kernel end the connection once the peer has taken nothing of what was sent for d. A write
// deadline alone does not see it, because the kernel takes many acknowledgements before a write blocks.
func limitSilence(nc net.Conn, d time.Duration) error {
	tc, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	rc, err := tc.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	if err := rc.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(d.Milliseconds()))
	}); err != nil {
		return err
	}
	return set
}
