package plc

import (
	"log"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/simonvetter/modbus"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
)

// unit is the address spaces of one hosted device. A register knows the places that stand in it: one value, or up
// to sixteen flags.
type unit struct {
	input, holding []register
	coils          []Place
}

type register struct {
	places []Place
	word   int // which word of the value, 0 is the first on the wire
}

// modbusHandler answers for the units of one controller.
type modbusHandler struct {
	world   *plant.World
	units   map[uint8]*unit
	swapped bool // the low word of a wide value comes first
}

func newModbusHandler(w *plant.World, places []Place, swapped bool) *modbusHandler {
	h := &modbusHandler{world: w, units: map[uint8]*unit{}, swapped: swapped}
	for _, p := range places {
		u := h.units[p.Unit]
		if u == nil {
			u = &unit{}
			h.units[p.Unit] = u
		}
		switch p.Table {
		case Coil, Discrete:
			u.coils = append(u.coils, p)
		case Holding:
			u.holding = place(u.holding, p)
		case Input:
			u.input = place(u.input, p)
		}
	}
	return h
}

func place(regs []register, p Place) []register {
	for word := range p.Encoding.words() {
		at := int(p.Address) + word
		for len(regs) <= at {
			regs = append(regs, register{})
		}
		regs[at].places = append(regs[at].places, p)
		regs[at].word = word
	}
	return regs
}

// unit finds the unit of a request; a unit nobody is behind answers as a bridge does whose device is silent.
func (h *modbusHandler) unit(id uint8) (*unit, error) {
	if u, ok := h.units[id]; ok {
		return u, nil
	}
	return nil, modbus.ErrGWTargetFailedToRespond
}

// HandleInputRegisters implements modbus.RequestHandler.
func (h *modbusHandler) HandleInputRegisters(req *modbus.InputRegistersRequest) ([]uint16, error) {
	u, err := h.unit(req.UnitId)
	if err != nil {
		return nil, err
	}
	return h.read(u.input, req.Addr, req.Quantity)
}

// HandleHoldingRegisters implements modbus.RequestHandler.
func (h *modbusHandler) HandleHoldingRegisters(req *modbus.HoldingRegistersRequest) ([]uint16, error) {
	u, err := h.unit(req.UnitId)
	if err != nil {
		return nil, err
	}
	if req.IsWrite {
		return nil, h.write(u.holding, req.Addr, req.Args)
	}
	return h.read(u.holding, req.Addr, req.Quantity)
}

// HandleCoils implements modbus.RequestHandler.
func (h *modbusHandler) HandleCoils(req *modbus.CoilsRequest) ([]bool, error) {
	u, err := h.unit(req.UnitId)
	if err != nil {
		return nil, err
	}
	if int(req.Addr)+int(req.Quantity) > len(u.coils) {
		return nil, modbus.ErrIllegalDataAddress
	}
	var out []bool
	for i, p := range u.coils[req.Addr : req.Addr+req.Quantity] {
		if !req.IsWrite {
			out = append(out, h.world.Sample(p.Ref).V.Bool())
		} else if err := h.world.Set(p.Ref, twin.BoolValue(req.Args[i])); err != nil {
			return nil, modbus.ErrIllegalDataValue
		}
	}
	return out, nil
}

// HandleDiscreteInputs implements modbus.RequestHandler: flags stand in the status word, there are none here.
func (h *modbusHandler) HandleDiscreteInputs(req *modbus.DiscreteInputsRequest) ([]bool, error) {
	if _, err := h.unit(req.UnitId); err != nil {
		return nil, err
	}
	return nil, modbus.ErrIllegalDataAddress
}

func (h *modbusHandler) read(regs []register, addr, quantity uint16) ([]uint16, error) {
	if int(addr)+int(quantity) > len(regs) {
		return nil, modbus.ErrIllegalDataAddress
	}
	out := make([]uint16, 0, quantity)
	var wide [2]uint16 // both words of one value come from one sample
	for i, r := range regs[addr : addr+quantity] {
		switch p := r.places[0]; {
		case p.Encoding == Bit:
			out = append(out, h.flags(r.places))
		case p.Encoding.words() == 1:
			out = append(out, encode(p, h.world.Sample(p.Ref).V)[0])
		default:
			if r.word == 0 || i == 0 {
				wide = h.order(encode(p, h.world.Sample(p.Ref).V))
			}
			out = append(out, wide[r.word])
		}
	}
	return out, nil
}

func (h *modbusHandler) flags(places []Place) uint16 {
	var word uint16
	for _, p := range places {
		if h.world.Sample(p.Ref).V.Bool() {
			word |= 1 << p.Bit
		}
	}
	return word
}

// write takes whole values only: half a float is not a setpoint.
func (h *modbusHandler) write(regs []register, addr uint16, args []uint16) error {
	if int(addr)+len(args) > len(regs) {
		return modbus.ErrIllegalDataAddress
	}
	type command struct {
		ref plant.Ref
		v   twin.Value
	}
	var cmds []command
	for i := 0; i < len(args); {
		r := regs[int(addr)+i]
		p := r.places[0]
		n := p.Encoding.words()
		if r.word != 0 || i+n > len(args) {
			return modbus.ErrIllegalDataValue
		}
		var words [2]uint16
		copy(words[:], args[i:i+n])
		if n == 2 {
			words = h.order(words)
		}
		v, ok := decode(p, words)
		if !ok {
			return modbus.ErrIllegalDataValue
		}
		cmds = append(cmds, command{p.Ref, v})
		i += n
	}
	for _, c := range cmds {
		if err := h.world.Set(c.ref, c.v); err != nil {
			return modbus.ErrIllegalDataValue
		}
	}
	return nil
}

func (h *modbusHandler) order(w [2]uint16) [2]uint16 {
	if h.swapped {
		return [2]uint16{w[1], w[0]}
	}
	return w
}

// encode gives the words of a value, high word first. What does not fit is held at the end of the scale, as a
// converter does.
func encode(p Place, v twin.Value) [2]uint16 {
	switch p.Encoding {
	case Float32:
		b := math.Float32bits(float32(v.Float()))
		return [2]uint16{uint16(b >> 16), uint16(b)}
	case Int32:
		b := uint32(int32(min(max(v.Int(), math.MinInt32), math.MaxInt32)))
		return [2]uint16{uint16(b >> 16), uint16(b)}
	case Int16:
		raw := math.Round(v.Float() / p.Scale)
		return [2]uint16{uint16(int16(min(max(raw, math.MinInt16), math.MaxInt16)))}
	case Bit:
	}
	return [2]uint16{}
}

// decode is encode's reverse; false for a float that is no number.
func decode(p Place, w [2]uint16) (twin.Value, bool) {
	bits := uint32(w[0])<<16 | uint32(w[1])
	switch p.Encoding {
	case Float32:
		v := twin.FloatValue(float64(math.Float32frombits(bits)))
		return v, v.IsFinite()
	case Int32:
		return twin.IntValue(int64(int32(bits))), true
	case Int16:
		if p.Tag.Kind() == twin.Int {
			return twin.IntValue(int64(int16(w[0]))), true
		}
		return twin.FloatValue(math.Round(float64(int16(w[0]))*p.Scale*1e6) / 1e6), true
	case Bit:
	}
	return twin.Value{}, false
}

// maxModbusClients bounds the connections of one controller; small controllers take fewer.
const maxModbusClients = 32

// idleTimeout closes a connection nobody polls.
const idleTimeout = 2 * time.Minute

// startModbus listens on addr. The library cannot say which port it got, so for port 0 one is chosen here and
// taken again, with another try where somebody was quicker.
func startModbus(addr string, h *modbusHandler, l *slog.Logger) (*modbus.ModbusServer, string, error) {
	var err error
	for range 10 {
		var at string
		if at, err = freePort(addr); err != nil {
			return nil, "", err
		}
		var srv *modbus.ModbusServer
		srv, err = modbus.NewServer(&modbus.ServerConfiguration{
			URL: "tcp://" + at, Timeout: idleTimeout, MaxClients: maxModbusClients, Logger: quiet(l),
		}, h)
		if err != nil {
			return nil, "", err
		}
		if err = srv.Start(); err == nil {
			return srv, at, nil
		}
		if at == addr {
			return nil, "", err
		}
	}
	return nil, "", err
}

// freePort returns addr with port 0 replaced by a port nobody listens on.
func freePort(addr string) (string, error) {
	if _, port, err := net.SplitHostPort(addr); err != nil || port != "0" {
		return addr, err
	}
	l, err := net.Listen("tcp", addr) //nolint:noctx // closed at once
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// quiet hands the library's own lines to our log at debug level.
func quiet(l *slog.Logger) *log.Logger { return slog.NewLogLogger(l.Handler(), slog.LevelDebug) }
