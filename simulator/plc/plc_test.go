package plc

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	goburrow "github.com/goburrow/modbus"
	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// station is a pump and a valve behind one controller.
func station() twin.Model {
	pump := twin.Asset{ID: "01J0000000000000000000PUMP", Path: "t/s/a/P-1", Class: "bench_pump", Tags: []twin.Tag{
		{Name: "flow", Type: "float64", Unit: "m3/h", Decimals: 2, Range: twin.Band{Low: new(float64(0)), High: new(float64(400))}, Normal: twin.Band{Low: new(float64(100)), High: new(float64(200))}},
		{Name: "temp", Type: "float64", Unit: "Cel", Decimals: 1, Range: twin.Band{Low: new(float64(-40)), High: new(float64(150))}, Normal: twin.Band{Low: new(float64(40)), High: new(float64(60))}},
		{Name: "state", Type: "enum", States: []string{"stopped", "running", "fault"}},
		{Name: "running", Type: "bool"},
		{Name: "starts", Type: "int64"},
		{Name: "local", Type: "bool"},
		{Name: "speed_sp", Type: "float64", Unit: "%", Decimals: 1, Range: twin.Band{Low: new(float64(0)), High: new(float64(100))}, Normal: twin.Band{Low: new(float64(60)), High: new(float64(80))}, Writable: true},
		{Name: "pressure_sp", Type: "float64", Unit: "bar", Decimals: 3, Range: twin.Band{Low: new(float64(0)), High: new(float64(10))}, Normal: twin.Band{Low: new(float64(4)), High: new(float64(6))}, Writable: true},
		{Name: "run", Type: "bool", Writable: true},
		{Name: "serial", Type: "string"},
	}}
	valve := twin.Asset{ID: "01J000000000000000000VALVE", Path: "t/s/a/V-1", Class: "bench_valve", Tags: []twin.Tag{
		{Name: "position", Type: "float64", Unit: "%", Decimals: 1, Range: twin.Band{Low: new(float64(0)), High: new(float64(100))}, Normal: twin.Band{Low: new(float64(40)), High: new(float64(60))}},
	}}
	dev := func(id, asset string) twin.Device {
		return twin.Device{ID: id, Kind: twin.Hosted, Asset: asset, Gateway: "gw"}
	}
	return twin.Model{
		Tenant: "t", Assets: []twin.Asset{pump, valve},
		Devices: []twin.Device{dev("P-1", pump.ID), dev("V-1", valve.ID)},
	}
}

func world(t *testing.T, m twin.Model) *plant.World {
	t.Helper()
	w, err := plant.New(m, plant.Config{Seed: 7, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	w.Step(250 * time.Millisecond)
	return w
}

// open starts a controller for the test and stops it at its end.
func open(t *testing.T, p exchange.PLC, m twin.Model, w *plant.World) *Server {
	t.Helper()
	s, err := Open(p, m, w, Config{
		Dir: t.TempDir(), Login: Login{User: "gateway", Password: "correct horse"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("controller ended with %v", err)
		}
	})
	return s
}

func find(t *testing.T, s *Server, device, tag string) Place {
	t.Helper()
	i := slices.IndexFunc(s.Places(), func(p Place) bool { return p.Device == device && p.Name == tag })
	if i < 0 {
		t.Fatalf("%s.%s has no place", device, tag)
	}
	return s.Places()[i]
}

func modbusClient(t *testing.T, endpoint string, unit byte) goburrow.Client {
	t.Helper()
	h := goburrow.NewTCPClientHandler(endpoint)
	h.SlaveId, h.Timeout = unit, 5*time.Second
	t.Cleanup(func() { _ = h.Close() })
	return goburrow.NewClient(h)
}

func TestModbusGivesBothWordOrders(t *testing.T) {
	for _, order := range []string{"big", "little"} {
		t.Run(order, func(t *testing.T) {
			m := station()
			w := world(t, m)
			s := open(t, exchange.PLC{Name: "plc-1", Protocol: "modbus", WordOrder: order, Devices: []string{"P-1", "V-1"}}, m, w)
			c := modbusClient(t, s.Endpoint(), 1)
			flow := find(t, s, "P-1", "flow")
			if flow.Table != Input || flow.Encoding != Float32 {
				t.Fatalf("flow is at %+v, wants a float in the input registers", flow)
			}
			b, err := c.ReadInputRegisters(flow.Address, 2)
			if err != nil {
				t.Fatal(err)
			}
			hi, lo := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
			if order == "little" {
				hi, lo = lo, hi
			}
			want := w.Sample(flow.Ref).V.Float()
			if got := math.Float32frombits(uint32(hi)<<16 | uint32(lo)); got != float32(want) {
				t.Errorf("flow reads %v, the pump delivers %v", got, want)
			}
		})
	}
}

func TestModbusCarriesTenthsStatesAndFlags(t *testing.T) {
	m := station()
	w := world(t, m)
	s := open(t, exchange.PLC{Name: "plc-1", Protocol: "modbus", Devices: []string{"P-1", "V-1"}}, m, w)
	c := modbusClient(t, s.Endpoint(), 1)

	temp := find(t, s, "P-1", "temp")
	b, err := c.ReadInputRegisters(temp.Address, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := float64(int16(binary.BigEndian.Uint16(b)))*temp.Scale, w.Sample(temp.Ref).V.Float(); math.Abs(got-want) > 0.051 {
		t.Errorf("temp reads %v tenths scaled, the pump has %v", got, want)
	}
	running, local := find(t, s, "P-1", "running"), find(t, s, "P-1", "local")
	if running.Address != local.Address || running.Bit == local.Bit {
		t.Errorf("flags stand at %+v and %+v, want two bits of one word", running, local)
	}
	valve := modbusClient(t, s.Endpoint(), 2)
	position := find(t, s, "V-1", "position")
	if b, err = valve.ReadInputRegisters(position.Address, 1); err != nil {
		t.Fatal(err)
	}
	if got := float64(int16(binary.BigEndian.Uint16(b))) / 10; math.Abs(got-w.Sample(position.Ref).V.Float()) > 0.051 {
		t.Errorf("unit 2 answers %v, the valve stands at %v", got, w.Sample(position.Ref).V.Float())
	}
}

func TestModbusWritesReachThePlant(t *testing.T) {
	for _, order := range []string{"big", "little"} {
		m := station()
		w := world(t, m)
		s := open(t, exchange.PLC{Name: "plc-1", Protocol: "modbus", WordOrder: order, Devices: []string{"P-1", "V-1"}}, m, w)
		c := modbusClient(t, s.Endpoint(), 1)

		sp := find(t, s, "P-1", "pressure_sp")
		bits := math.Float32bits(5.25)
		words := []byte{byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)}
		if order == "little" {
			words = []byte{words[2], words[3], words[0], words[1]}
		}
		if _, err := c.WriteMultipleRegisters(sp.Address, 2, words); err != nil {
			t.Fatal(err)
		}
		if got := w.Sample(sp.Ref).V.Float(); got != 5.25 {
			t.Errorf("%s: the setpoint is %v after writing 5.25", order, got)
		}
		speed := find(t, s, "P-1", "speed_sp")
		if _, err := c.WriteSingleRegister(speed.Address, 725); err != nil {
			t.Fatal(err)
		}
		if got := w.Sample(speed.Ref).V.Float(); got != 72.5 {
			t.Errorf("%s: the speed setpoint is %v after writing 725 tenths", order, got)
		}
		run := find(t, s, "P-1", "run")
		if _, err := c.WriteSingleCoil(run.Address, 0xFF00); err != nil {
			t.Fatal(err)
		}
		if !w.Sample(run.Ref).V.Bool() {
			t.Errorf("%s: the coil was set and the pump was not told", order)
		}
	}
}

func TestModbusRefusesWithTheRightException(t *testing.T) {
	m := station()
	w := world(t, m)
	s := open(t, exchange.PLC{Name: "plc-1", Protocol: "modbus", Devices: []string{"P-1", "V-1"}}, m, w)
	c := modbusClient(t, s.Endpoint(), 1)
	sp := find(t, s, "P-1", "pressure_sp")
	nan := []byte{0x7F, 0xC0, 0, 0}
	for _, tc := range []struct {
		name string
		do   func() error
		want byte
	}{
		{"past the last input register", func() error { _, err := c.ReadInputRegisters(100, 1); return err }, goburrow.ExceptionCodeIllegalDataAddress},
		{"a block that ends past it", func() error { _, err := c.ReadInputRegisters(0, 60); return err }, goburrow.ExceptionCodeIllegalDataAddress},
		{"a coil that is not there", func() error { _, err := c.ReadCoils(9, 1); return err }, goburrow.ExceptionCodeIllegalDataAddress},
		{"discrete inputs", func() error { _, err := c.ReadDiscreteInputs(0, 1); return err }, goburrow.ExceptionCodeIllegalDataAddress},
		{"a setpoint out of range", func() error { _, err := c.WriteMultipleRegisters(sp.Address, 2, []byte{0x43, 0x7A, 0, 0}); return err }, goburrow.ExceptionCodeIllegalDataValue},
		{"a setpoint that is no number", func() error { _, err := c.WriteMultipleRegisters(sp.Address, 2, nan); return err }, goburrow.ExceptionCodeIllegalDataValue},
		{"half a float", func() error { _, err := c.WriteSingleRegister(sp.Address, 1); return err }, goburrow.ExceptionCodeIllegalDataValue},
		{"a unit nobody is behind", func() error { _, err := modbusClient(t, s.Endpoint(), 9).ReadInputRegisters(0, 1); return err }, goburrow.ExceptionCodeGatewayTargetDeviceFailedToRespond},
	} {
		var ex *goburrow.ModbusError
		if err := tc.do(); !errors.As(err, &ex) || ex.ExceptionCode != tc.want {
			t.Errorf("%s: got %v, want exception %d", tc.name, err, tc.want)
		}
	}
	if _, err := c.ReadInputRegisters(0, 2); err != nil {
		t.Errorf("after the refusals the controller answers %v", err)
	}
}

func TestEveryTagButStringsHasOnePlace(t *testing.T) {
	m := station()
	places, err := Layout(exchange.PLC{Name: "plc-1", Protocol: "modbus", Devices: []string{"P-1", "V-1"}}, m, world(t, m))
	if err != nil {
		t.Fatal(err)
	}
	type address struct {
		unit  uint8
		table Table
		at    uint16
		bit   uint8
	}
	seen := map[address]string{}
	for _, p := range places {
		for word := range p.Encoding.words() {
			a := address{p.Unit, p.Table, p.Address + uint16(word), p.Bit}
			if other, ok := seen[a]; ok {
				t.Errorf("%s.%s and %s share %+v", p.Device, p.Name, other, a)
			}
			seen[a] = p.Device + "." + p.Name
		}
	}
	if len(places) != 10 {
		t.Errorf("%d tags have a place, want 10: eleven less the string", len(places))
	}
}

func TestAModbusControllerListensOnLoopbackOnly(t *testing.T) {
	m := station()
	w := world(t, m)
	listensOnLoopback(t, open(t, exchange.PLC{Name: "plc-1", Protocol: "modbus", Devices: []string{"P-1"}}, m, w), w)
}

// listensOnLoopback tries the controller's port on every other address of this machine.
func listensOnLoopback(t *testing.T, s *Server, _ *plant.World) {
	host, port, err := net.SplitHostPort(strings.TrimPrefix(s.Endpoint(), "opc.tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		t.Errorf("it answers at %s", s.Endpoint())
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
			continue
		}
		if c, err := net.DialTimeout("tcp", net.JoinHostPort(ip.IP.String(), port), time.Second); err == nil {
			_ = c.Close()
			t.Errorf("it answers on %s too", ip.IP)
		}
	}
}
