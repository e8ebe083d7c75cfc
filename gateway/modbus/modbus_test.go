package modbus_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/gateway/driver/drivertest"
	"github.com/lineshaft/lineshaft/gateway/modbus"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pymodbus runs Debian's Modbus server and returns where it listens.
func pymodbus(t *testing.T, addr string) (stop func()) {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "/usr/bin/python3", "testdata/plc.py", port)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start pymodbus: %v", err)
	}
	stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(stop)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("pymodbus is not ready (apt install python3-pymodbus): %q %v", line, err)
	}
	return stop
}

func pt(unit uint8, table modbus.Table, address uint16, e modbus.Encoding, o modbus.Order) modbus.Point {
	return modbus.Point{Unit: unit, Table: table, Address: address, Encoding: e, Order: o, Interval: 50 * time.Millisecond}
}

func run(t *testing.T, endpoint string, timeout time.Duration, points []modbus.Point) *drivertest.Log {
	t.Helper()
	for _, p := range points {
		if field, v, why := p.Check(); field != "" {
			t.Fatalf("%s %v: %s", field, v, why)
		}
	}
	return drivertest.Run(t, modbus.New(modbus.Config{
		Endpoint: endpoint, Timeout: timeout, Points: points, Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler),
	}))
}

func TestAServerByOtherAuthors(t *testing.T) {
	addr := drivertest.FreeAddr(t)
	pymodbus(t, addr)
	h := modbus.Holding
	f, i, b := twin.FloatValue, twin.IntValue, twin.BoolValue
	cases := []struct {
		p    modbus.Point
		want twin.Value
	}{
		{pt(1, h, 0, modbus.Float32, modbus.ABCD), f(72.4)},
		{pt(1, h, 2, modbus.Float32, modbus.CDAB), f(1.5)},
		{pt(1, h, 4, modbus.Float32, modbus.BADC), f(2.5)},
		{pt(1, h, 6, modbus.Float32, modbus.DCBA), f(3.5)},
		{pt(1, h, 8, modbus.Int16, modbus.ABCD), i(-123)},
		{pt(1, h, 9, modbus.Uint16, modbus.ABCD), i(65000)},
		{pt(1, h, 10, modbus.Int32, modbus.ABCD), i(-70000)},
		{pt(1, h, 12, modbus.Uint32, modbus.ABCD), i(4000000000)},
		{pt(1, h, 14, modbus.Int64, modbus.ABCD), i(-(1 << 40))},
		{pt(1, h, 18, modbus.Float64, modbus.ABCD), f(0.125)},
		{modbus.Point{Unit: 1, Table: h, Address: 22, Encoding: modbus.Bit, Order: modbus.ABCD, Bit: 15, Interval: time.Second}, b(true)},
		{modbus.Point{Unit: 1, Table: h, Address: 22, Encoding: modbus.Bit, Order: modbus.ABCD, Bit: 1, Interval: time.Second}, b(false)},
		{pt(1, h, 24, modbus.Uint16, modbus.ABCD), i(42)},
		{pt(1, modbus.Input, 0, modbus.Int16, modbus.ABCD), i(652)},
		{pt(1, modbus.Input, 100, modbus.Float32, modbus.ABCD), f(9.75)},
		{pt(1, modbus.Coil, 3, modbus.Bit, modbus.ABCD), b(true)},
		{pt(1, modbus.Coil, 4, modbus.Bit, modbus.ABCD), b(false)},
		{pt(1, modbus.Discrete, 39, modbus.Bit, modbus.ABCD), b(true)},
		{pt(2, h, 0, modbus.Float32, modbus.ABCD), f(172.4)},
		{pt(2, h, 2, modbus.Float32, modbus.CDAB), f(101.5)},
		{pt(2, h, 499, modbus.Uint16, modbus.ABCD), i(1199)},
	}
	points := make([]modbus.Point, len(cases))
	for n, c := range cases {
		points[n] = c.p
	}
	log := run(t, addr, time.Second, points)
	for n, c := range cases {
		s := log.Await(n, func(twin.Sample) bool { return true })
		if s.V != c.want || s.Q != twin.Good {
			t.Errorf("%+v: %s %v, want %s", c.p, s.V.Text(), s.Q, c.want.Text())
		}
	}
}

func TestOnePointThatIsNotThereSparesItsNeighbours(t *testing.T) {
	addr := drivertest.FreeAddr(t)
	pymodbus(t, addr)
	log := run(t, addr, time.Second, []modbus.Point{
		pt(1, modbus.Holding, 22, modbus.Uint16, modbus.ABCD), pt(1, modbus.Holding, 23, modbus.Uint16, modbus.ABCD),
		pt(1, modbus.Holding, 24, modbus.Uint16, modbus.ABCD),
	})
	bad := log.Await(1, func(twin.Sample) bool { return true })
	if bad.Q != twin.ConfigurationError || bad.V.Kind() != twin.None {
		t.Errorf("a register that is not there: %v %s", bad.Q, bad.V.Text())
	}
	for _, n := range []int{0, 2} {
		log.Await(n, func(s twin.Sample) bool { return s.Q == twin.Good })
	}
}

func TestAServerThatRestartsIsFoundAgain(t *testing.T) {
	addr := drivertest.FreeAddr(t)
	stop := pymodbus(t, addr)
	log := run(t, addr, time.Second, []modbus.Point{pt(1, modbus.Holding, 24, modbus.Uint16, modbus.ABCD)})
	log.Await(0, func(s twin.Sample) bool { return s.Q == twin.Good })
	stop()
	log.Await(0, func(s twin.Sample) bool { return s.Q == twin.CommFailure && s.V.Kind() == twin.None })
	pymodbus(t, addr)
	log.Await(0, func(s twin.Sample) bool { return s.Q == twin.Good })
	if st := log.Driver.Stats(); st.Failed == 0 || st.Failed >= st.Polls {
		t.Errorf("stats %+v", st)
	}
}

// bridge is a Modbus TCP bridge that answers every register with its unit id, unless told otherwise.
func bridge(t *testing.T, answer func(unit byte, transaction, n uint16) (reply []byte)) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	conns := make(chan net.Conn, 100)
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			conns <- nc
			wg.Go(func() {
				defer func() { _ = nc.Close() }()
				for req := make([]byte, 12); ; {
					if _, err := io.ReadFull(nc, req); err != nil {
						return
					}
					reply := answer(req[6], binary.BigEndian.Uint16(req), binary.BigEndian.Uint16(req[10:]))
					if _, err := nc.Write(reply); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		for len(conns) > 0 {
			_ = (<-conns).Close()
		}
		wg.Wait()
	})
	return l.Addr().String()
}

func reply(transaction uint16, unit byte, n uint16) []byte {
	out := binary.BigEndian.AppendUint16(nil, transaction)
	out = binary.BigEndian.AppendUint16(out, 0)
	out = binary.BigEndian.AppendUint16(out, 3+2*n)
	out = append(out, unit, 3, byte(2*n))
	for range n {
		out = binary.BigEndian.AppendUint16(out, uint16(unit))
	}
	return out
}

func TestADeadUnitDelaysNoOther(t *testing.T) {
	addr := bridge(t, func(unit byte, transaction, n uint16) []byte {
		if unit == 2 {
			return nil
		}
		return reply(transaction, unit, n)
	})
	log := run(t, addr, 500*time.Millisecond, []modbus.Point{
		pt(1, modbus.Holding, 0, modbus.Uint16, modbus.ABCD), pt(2, modbus.Holding, 0, modbus.Uint16, modbus.ABCD),
	})
	log.Await(1, func(s twin.Sample) bool { return s.Q == twin.CommFailure })
	// The dead unit took three timeouts to be called dead; the living one was read every 50 ms all the while.
	if n, worst := log.Count(0), log.LongestPause(0); n < 20 || worst > 400*time.Millisecond {
		t.Errorf("the living unit was read %d times, the longest pause was %v", n, worst)
	}
}

func TestAnAnswerToAnEarlierQuestionIsNotTaken(t *testing.T) {
	var asked atomic.Int32
	addr := bridge(t, func(unit byte, transaction, n uint16) []byte {
		if asked.Add(1) == 3 {
			return append(reply(transaction-1, unit+100, n), reply(transaction, unit+100, n)...)
		}
		return reply(transaction, unit, n)
	})
	log := run(t, addr, 300*time.Millisecond, []modbus.Point{pt(1, modbus.Holding, 0, modbus.Uint16, modbus.ABCD)})
	for log.Count(0) < 8 {
		log.Await(0, func(twin.Sample) bool { return asked.Load() > 3 })
		log.Next(0)
	}
	for _, s := range log.All(0) {
		if s.V != twin.IntValue(1) || s.Q != twin.Good {
			t.Errorf("read %s %v", s.V.Text(), s.Q)
		}
	}
}

func TestExceptionsHaveAQuality(t *testing.T) {
	codes := map[byte]twin.Quality{1: twin.ConfigurationError, 2: twin.ConfigurationError, 4: twin.DeviceFailure, 6: twin.DeviceFailure, 11: twin.CommFailure}
	addr := bridge(t, func(unit byte, transaction, _ uint16) []byte {
		out := binary.BigEndian.AppendUint16(nil, transaction)
		return append(out, 0, 0, 0, 3, unit, 0x83, unit)
	})
	var points []modbus.Point
	for code := range codes {
		points = append(points, pt(code, modbus.Holding, 0, modbus.Uint16, modbus.ABCD))
	}
	log := run(t, addr, time.Second, points)
	for n, p := range points {
		s := log.Await(n, func(twin.Sample) bool { return true })
		if s.Q != codes[p.Unit] || s.V.Kind() != twin.None {
			t.Errorf("exception %d: %v", p.Unit, s.Q)
		}
	}
}

func BenchmarkPoll(b *testing.B) {
	const registers = 125
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		for req := make([]byte, 12); ; {
			if _, err := io.ReadFull(nc, req); err != nil {
				return
			}
			_, _ = nc.Write(reply(binary.BigEndian.Uint16(req), 1, registers))
		}
	}()
	var points []modbus.Point
	for a := range uint16(registers) {
		p := pt(1, modbus.Holding, a, modbus.Uint16, modbus.ABCD)
		p.Interval = time.Nanosecond
		points = append(points, p)
	}
	d := modbus.New(modbus.Config{Endpoint: l.Addr().String(), Timeout: time.Second, Points: points, Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(b.Context())
	n := 0
	b.ResetTimer()
	_ = d.Run(ctx, func(rs []driver.Reading) {
		if n += len(rs); n >= b.N*registers {
			cancel()
		}
	})
	cancel()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "reg/s")
}
