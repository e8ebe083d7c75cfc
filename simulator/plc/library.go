package plc

import (
	"net"
	"sync"
	_ "unsafe" // for the linkname below

	"github.com/awcullen/opcua/server"
)

// The OPC UA library listens on every interface of the machine and cannot be given a listener. A simulated
// controller is on loopback unless its owner says otherwise, so the connections are accepted here and handed to
// the library's own handler. This is the only private name of a library Lineshaft uses; a test opens a
// connection through it, so that a version without it is noticed.
//
//go:linkname handleConnection github.com/awcullen/opcua/server.(*Server).handleConnection
func handleConnection(srv *server.Server, conn net.Conn, wg *sync.WaitGroup)
