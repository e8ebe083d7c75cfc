package modbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/goburrow/modbus"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
)

const (
	tries    = 3
	tryPause = 50 * time.Millisecond
	// After so many requests without any answer in a row the breaker opens: the unit is asked now and then, once.
	breakAfter = 3
	probeFirst = time.Second
	probeCap   = 30 * time.Second
)

var errOpen = errors.New("unit does not answer; waiting to ask again")

// unit is the connection to one unit and what is known of its health.
type unit struct {
	id  uint8
	clk clock.Clock
	log *slog.Logger

	mu      sync.Mutex // one request at a time
	handler *modbus.TCPClientHandler
	client  modbus.Client
	breaker breaker
}

func newUnit(endpoint string, id uint8, timeout time.Duration, clk clock.Clock, log *slog.Logger) *unit {
	h := modbus.NewTCPClientHandler(endpoint)
	h.Timeout, h.IdleTimeout, h.SlaveId = timeout, 0, id
	return &unit{id: id, clk: clk, log: log.With("endpoint", endpoint, "unit", int(id)), handler: h, client: modbus.NewClient(h)}
}

func (u *unit) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	_ = u.handler.Close()
}

// read asks for a block, three times if there is no answer. An answer that is an exception is an answer.
func (u *unit) read(ctx context.Context, b block) ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.breaker.allows(u.clk.Now()) {
		return nil, errOpen
	}
	n := tries
	if u.breaker.open() {
		n = 1
	}
	var data []byte
	var err error
	for i := range n {
		if i > 0 && clock.Sleep(ctx, u.clk, tryPause) != nil {
			return nil, ctx.Err()
		}
		if data, err = u.ask(b); err == nil || final(err) {
			break
		}
	}
	u.judge(ctx, err)
	return data, err
}

// judge lets the breaker know how a request ended, and tells of changes.
func (u *unit) judge(ctx context.Context, err error) {
	was := u.breaker.open()
	u.breaker = u.breaker.after(err == nil || exception(err) != nil, u.clk.Now())
	switch is := u.breaker.open(); {
	case is && !was:
		u.log.WarnContext(ctx, "modbus unit does not answer", "err", err)
	case was && !is:
		u.log.InfoContext(ctx, "modbus unit answers again")
	}
}

// ask is one request. After anything that is not an exception the connection is closed: what comes on it later would
// be the answer to an earlier question.
func (u *unit) ask(b block) ([]byte, error) {
	var data []byte
	var err error
	switch b.table {
	case Holding:
		data, err = u.client.ReadHoldingRegisters(b.start, b.count)
	case Input:
		data, err = u.client.ReadInputRegisters(b.start, b.count)
	case Coil:
		data, err = u.client.ReadCoils(b.start, b.count)
	case Discrete:
		data, err = u.client.ReadDiscreteInputs(b.start, b.count)
	default:
		return nil, fmt.Errorf("read %s %d: no such table", b.table, b.start)
	}
	if err == nil && len(data) < b.bytes() {
		err = fmt.Errorf("answer has %d bytes, wants %d", len(data), b.bytes())
	}
	if err != nil && exception(err) == nil {
		_ = u.handler.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %d+%d: %w", b.table, b.start, b.count, err)
	}
	return data, nil
}

// bytes is the length of the answer to a block.
func (b block) bytes() int {
	if b.table.bits() {
		return (int(b.count) + 7) / 8
	}
	return 2 * int(b.count)
}

func exception(err error) *modbus.ModbusError {
	if e, ok := errors.AsType[*modbus.ModbusError](err); ok {
		return e
	}
	return nil
}

// final says that asking again now will bring the same answer.
func final(err error) bool {
	e := exception(err)
	return e != nil && e.ExceptionCode != modbus.ExceptionCodeServerDeviceBusy
}

// quality says what a failed request means for its points.
func quality(err error) twin.Quality {
	e := exception(err)
	if e == nil {
		return twin.CommFailure
	}
	switch e.ExceptionCode {
	case modbus.ExceptionCodeIllegalFunction, modbus.ExceptionCodeIllegalDataAddress, modbus.ExceptionCodeIllegalDataValue:
		return twin.ConfigurationError
	case modbus.ExceptionCodeGatewayPathUnavailable, modbus.ExceptionCodeGatewayTargetDeviceFailedToRespond:
		return twin.CommFailure
	}
	return twin.DeviceFailure
}

// refusesAddress says that a request failed for what it asked, so that parts of it may still be answered.
func refusesAddress(err error) bool {
	e := exception(err)
	return e != nil && (e.ExceptionCode == modbus.ExceptionCodeIllegalDataAddress || e.ExceptionCode == modbus.ExceptionCodeIllegalDataValue)
}

// breaker remembers failures in a row. It is a value: what follows from an event is a new one.
type breaker struct {
	failures int
	wait     time.Duration
	until    time.Time
}

func (b breaker) open() bool { return b.failures >= breakAfter }

// allows says whether the unit may be asked now.
func (b breaker) allows(now time.Time) bool { return !b.open() || !now.Before(b.until) }

// after is the breaker after a request that was answered or not.
func (b breaker) after(answered bool, now time.Time) breaker {
	if answered {
		return breaker{}
	}
	b.failures++
	if b.open() {
		b.wait = min(max(2*b.wait, probeFirst), probeCap)
		b.until = now.Add(b.wait)
	}
	return b
}
