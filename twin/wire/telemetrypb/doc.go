// Package telemetrypb is the binary form of telemetry, generated from assets/contracts/telemetry.proto.
package telemetrypb

//go:generate sh -c "go build -modfile=../../../build/tools.mod -o \"$(go env GOCACHE)/protoc-gen-go\" google.golang.org/protobuf/cmd/protoc-gen-go && protoc --plugin=protoc-gen-go=\"$(go env GOCACHE)/protoc-gen-go\" -I ../../../assets/contracts --go_out=. --go_opt=paths=source_relative telemetry.proto"
