package broker

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/stream"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// split is a group that only takes records apart.
type split struct{ n int }

func (s *split) Apply(_ context.Context, r stream.Record) error {
	s.n += len(r.Publishes)
	return nil
}
func (*split) Commit(context.Context) error { return nil }

// fleetOf is a registry in which every device exists, as quick as a map.
type fleetOf struct{ plant }

func (fleetOf) Authenticate(_ context.Context, id, _ string, _ []byte) (Identity, error) {
	tenant, device, _ := strings.Cut(id, "::")
	return Identity{Tenant: tenant, Device: device}, nil
}

func (fleetOf) TopicOf(tenant, device string) (wire.Topic, bool) {
	return wire.Topic{Tenant: tenant, Site: "detroit", Area: "body-shop", Line: "_", Class: "meter", Device: device}, true
}

// BenchmarkAcknowledged is QoS 1 messages from connections with a window, through broker and stream on disk, to
// both groups. The generator shares the machine; cpu-s/Mmsg counts all of it.
func BenchmarkAcknowledged(b *testing.B) {
	for _, window := range []int{20, 200} {
		b.Run(fmt.Sprintf("window-%d", window), func(b *testing.B) { acknowledged(b, 20, window) })
	}
}

func acknowledged(b *testing.B, clients, window int) {
	log := slog.New(slog.DiscardHandler)
	s, err := stream.Open(stream.Config{Dir: b.TempDir()}, log)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	br, err := Open(Config{Listen: "127.0.0.1:0", Rate: 1e9}, fleetOf{detroit}, s, refusalBook{make(chan refusal, 10)}, clock.Wall{}, log)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	for _, g := range stream.Groups() {
		for _, name := range stream.Streams() {
			wg.Go(func() { _ = s.Consume(ctx, name, g, &split{}) })
		}
	}
	wg.Go(func() { _ = br.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	b.ResetTimer()
	began := time.Now()
	var senders sync.WaitGroup
	for c := range clients {
		senders.Go(func() {
			if err := generate(br.Addr(), fmt.Sprintf("M-%d", c), b.N/clients+1, window); err != nil {
				b.Error(err)
			}
		})
	}
	senders.Wait()
	took := time.Since(began)
	b.StopTimer()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	n := float64(clients * (b.N/clients + 1))
	b.ReportMetric(n/took.Seconds(), "msg/s")
	b.ReportMetric(cpu.Seconds()/n*1e6, "cpu-s/Mmsg")
	runtime.KeepAlive(s)
}

// generate publishes n messages and waits for each PUBACK, with at most window of them owed.
func generate(addr, device string, n, window int) error {
	var d net.Dialer
	nc, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	id := text("acme::" + device)
	body := append(append(text("MQTT"), 4, 0xC2, 0, 0), id...)
	if _, err := nc.Write(frame(0x10, append(append(body, id...), text("pw")...))); err != nil {
		return err
	}
	r := bufio.NewReader(nc)
	if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
		return err
	}
	payload := strings.Repeat("x", 220)
	p := publishPacket("acme/detroit/body-shop/_/meter/"+device+"/telemetry", payload, 1, 1)
	at := len(p) - len(payload) - 2
	tokens := make(chan struct{}, window)
	failed := make(chan error, 1)
	go func() {
		ack := make([]byte, 4)
		for range n {
			if _, err := io.ReadFull(r, ack); err != nil {
				failed <- err
				return
			}
			<-tokens
		}
		failed <- nil
	}()
	w := bufio.NewWriterSize(nc, 16<<10)
	for i := range n {
		select {
		case tokens <- struct{}{}:
		default:
			if err := w.Flush(); err != nil {
				return err
			}
			tokens <- struct{}{}
		}
		binary.BigEndian.PutUint16(p[at:], uint16(i%65535+1))
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return <-failed
}
