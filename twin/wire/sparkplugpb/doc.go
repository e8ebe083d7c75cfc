// Package sparkplugpb is the payload of Sparkplug B, generated from sparkplug_b.proto.
package sparkplugpb

//go:generate sh -c "go build -modfile=../../../build/tools.mod -o \"$(go env GOCACHE)/protoc-gen-go\" google.golang.org/protobuf/cmd/protoc-gen-go && protoc --plugin=protoc-gen-go=\"$(go env GOCACHE)/protoc-gen-go\" -I . --go_out=. --go_opt=paths=source_relative sparkplug_b.proto"
