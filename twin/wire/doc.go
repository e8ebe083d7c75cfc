// Package wire is what crosses the network: topics, the telemetry envelope, status, and the ids in them.
//
// The formats are those of the IIoT Reference Architecture, sections 4.2, 6 and 11.1.
package wire
