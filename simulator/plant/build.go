package plant

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/lineshaft/lineshaft/twin"
)

// builder turns declared assets into models. What it made is kept by asset id, for those that refer to it.
type builder struct {
	w        *World
	g        *graph
	air      *weather
	pumps    map[string]*pump
	towers   map[string]*tower
	valves   map[string]*valve
	cells    map[string]*cell
	hx       map[string]*exchanger
	strain   map[string]*strainer
	standing map[string]bool // spares, which stand still at design
}

func (w *World) build(m twin.Model) {
	b := &builder{
		w: w, g: newGraph(m), air: &weather{}, pumps: map[string]*pump{}, towers: map[string]*tower{}, valves: map[string]*valve{},
		cells: map[string]*cell{}, hx: map[string]*exchanger{}, strain: map[string]*strainer{}, standing: map[string]bool{},
	}
	for _, r := range m.Relations {
		if r.Type == twin.SpareFor {
			b.standing[r.From] = true
		}
	}
	b.air.unrest = drift{rng: w.rng(m.Tenant, 1), memory: 3600, spread: 0.4}
	w.models = append(w.models, b.air)
	b.stations()
	b.circuits()
	b.instruments()
	b.conditions()
}

// stations builds what stands alone: it is stepped before the loops that use it.
func (b *builder) stations() {
	add := func(m model) { b.w.models = append(b.w.models, m) }
	for _, id := range b.g.all("cooling_tower") {
		add(b.tower(id))
	}
	for _, id := range b.g.all("control_valve") {
		v := &valve{position: b.own(id, "position_pct"), setpoint: b.own(id, "position_sp_pct"), deviation: b.own(id, "travel_dev_pct")}
		v.stick = b.w.newDrift(v.position, 2, 30, 0.25)
		v.at = v.setpoint.get(v.position.nominal(50))
		b.valves[id] = v
		add(v)
	}
	for _, id := range b.g.all("weld_cell") {
		add(b.cell(id))
	}
	for _, id := range b.g.all("screw_compressor") {
		c := &compressor{
			running: b.own(id, "running"), pressure: b.own(id, "discharge_pressure_bar"), temp: b.own(id, "discharge_temp_c"),
			power: b.own(id, "power_kw"), oil: b.own(id, "oil_dp_bar"), standby: b.standing[id],
		}
		c.need, c.wander = b.w.newDrift(c.power, 3, 300, 0.06), b.w.newDrift(c.pressure, 4, 200, 0.12)
		add(c)
	}
}

// point finds a tag of an asset, nil if it has none.
func (b *builder) point(id, tag string) *point {
	if r, ok := b.w.Resolve(id, tag); ok {
		return &b.w.points[r]
	}
	return nil
}

// own is point for a model that moves it. A tag that a recording already moves is left to the recording.
func (b *builder) own(id, tag string) *point {
	p := b.point(id, tag)
	if p == nil || p.owned {
		return nil
	}
	p.owned = true
	return p
}

func (b *builder) tower(id string) *tower {
	t := &tower{
		fan: b.own(id, "fan_speed_rpm"), vibration: b.own(id, "fan_vibration_rms"), basin: b.own(id, "basin_temp_c"),
		level: b.own(id, "basin_level_pct"), approach: b.own(id, "approach_k"), conductivity: b.own(id, "conductivity_us"), air: b.air,
	}
	t.shake, t.brine, t.fill = b.w.newDrift(t.vibration, 5, 120, 0.05), b.w.newDrift(t.conductivity, 6, 3600, 0.06), b.w.newDrift(t.level, 7, 900, 2)
	b.towers[id] = t
	return t
}

func (b *builder) cell(id string) *cell {
	c := &cell{
		state: b.own(id, "state"), cycle: b.own(id, "cycle_time_s"), parts: b.own(id, "parts_total"),
		flow: b.own(id, "water_flow_lpm"), in: b.own(id, "water_in_c"), out: b.own(id, "water_out_c"), work: 1,
	}
	part := "body"
	if s, ok := b.g.asset(id).Nameplate["product"].(string); ok {
		part = s
	}
	if r := b.g.first(b.g.children[b.g.asset(id).Path], "robot"); r != "" {
		c.robot = robotTags{
			state: b.own(r, "state"), program: b.own(r, "program"), load: b.own(r, "load_pct"), axis: b.own(r, "axis_temp_c"),
		}
		if c.robot.program != nil {
			c.robot.program.text = fmt.Sprintf("SPOT %s %02d", part, 1+hash(b.g.asset(r).Path)%7)
		}
	}
	if g := b.g.first(b.g.children[b.g.asset(id).Path], "weld_gun"); g != "" {
		c.gun = gunTags{
			current: b.own(g, "current_ka"), force: b.own(g, "force_kn"), time: b.own(g, "weld_time_ms"), wear: b.own(g, "tip_wear_pct"),
			flow: b.own(g, "water_flow_lpm"), welds: b.own(g, "welds_total"),
		}
	}
	c.rng = b.w.rng(b.g.asset(id).Path, 8)
	made := float64(20_000 + hash(b.g.asset(id).Path)%60_000)
	c.parts.set(made)
	c.gun.welds.set(made * weldsPerPart)
	c.takt = c.cycle.nominal(56)
	c.begin()
	c.at = c.rng.Float64() * c.length
	c.wear = tipFresh + c.rng.Float64()*(tipDressed-tipFresh)
	b.cells[id] = c
	return c
}

// circuits builds what water flows through: one for each header, and one for each pump that feeds none.
func (b *builder) circuits() {
	idle := func(id string) bool { return b.pumps[id] == nil }
	for _, id := range b.g.all("header") {
		up := b.g.walk(id, true, "tank", "cooling_tower")
		if pumps := b.g.only(up, "centrifugal_pump"); slices.ContainsFunc(pumps, idle) {
			b.w.models = append(b.w.models, b.loop(id, pumps, up, b.g.walk(id, false, "tank", "header")))
		}
	}
	for _, id := range b.g.all("centrifugal_pump") {
		if idle(id) {
			b.w.models = append(b.w.models, b.loop("", []string{id}, b.g.walk(id, true, "tank"), b.g.walk(id, false, "tank")))
		}
	}
}

// lineLoss is what the pipe behind a pump without a header takes, in bar.
const lineLoss = 0.8

// loop builds a circuit from what feeds its header and what that feeds; a lone pump's header has no tags.
func (b *builder) loop(header string, pumps, up, down []string) *loop {
	g := b.g
	l := &loop{header: headerTags{b.own(header, "pressure_bar"), b.own(header, "flow_m3h"), b.own(header, "temp_c")}}
	l.p0 = l.header.pressure.nominal(5)
	if header == "" {
		l.p0 = max(0.1, b.point(pumps[0], "pressure_out_bar").nominal(6)-lineLoss)
	}
	for _, p := range pumps {
		if b.pumps[p] == nil { // one pump fills one header
			l.pumps = append(l.pumps, b.pump(p, l))
		}
	}
	l.p = l.p0
	b.aroundPumps(l, up)
	if header != "" {
		b.beside(l, pumps)
	}
	for _, v := range g.only(down, "control_valve") {
		l.sink = append(l.sink, b.valves[v])
	}
	for _, c := range g.only(down, "weld_cell") {
		l.cells = append(l.cells, b.cells[c])
	}
	l.demand = b.w.newDrift(l.pumps[0].flow, 9, 180, 0.012)
	return l
}

func (b *builder) aroundPumps(l *loop, up []string) {
	g := b.g
	if id := g.first(up, "tank"); id != "" {
		t := &tank{level: b.own(id, "level_pct"), temp: b.own(id, "temp_c"), inflow: b.own(id, "inflow_m3h"), volume: 50}
		if v, ok := number(g.asset(id).Nameplate["volume"]); ok && v > 0 {
			t.volume = v
		}
		t.loss = b.w.newDrift(t.level, 10, 300, 0.02)
		l.tank = t
	}
	if id := g.first(up, "strainer"); id != "" {
		l.strainer = &strainer{dp: b.own(id, "dp_bar"), due: b.own(id, "clean_due")}
		b.strain[id] = l.strainer
	}
	for _, id := range g.only(up, "plate_exchanger") {
		x := &exchanger{
			hotIn: b.own(id, "temp_hot_in_c"), hotOut: b.own(id, "temp_hot_out_c"), coldIn: b.own(id, "temp_cold_in_c"),
			coldOut: b.own(id, "temp_cold_out_c"), dp: b.own(id, "dp_bar"), approach: b.own(id, "approach_k"), duty: b.own(id, "duty_kw"),
		}
		for _, t := range g.only(g.walk(id, true, "tank", "cooling_tower"), "cooling_tower") {
			x.towers = append(x.towers, b.towers[t])
		}
		b.hx[id] = x
		l.exchangers = append(l.exchangers, x)
	}
}

// beside finds the valves between the pumps and the header, and those that lead back to a tank.
func (b *builder) beside(l *loop, pumps []string) {
	g := b.g
	seen := map[string]bool{}
	for _, p := range pumps {
		for _, id := range g.only(g.walk(p, false, "tank", "header"), "control_valve") {
			behind := g.walk(id, false, "tank", "header")
			switch {
			case seen[id]:
			case g.first(behind, "header") != "":
				l.series = append(l.series, b.valves[id])
			case g.first(behind, "tank") != "":
				l.bypass = append(l.bypass, b.valves[id])
			}
			seen[id] = true
		}
	}
}

// pump builds a pump with the motor that drives it and the drive that powers the motor.
func (b *builder) pump(id string, l *loop) *pump {
	g := b.g
	p := &pump{
		flow: b.own(id, "flow_m3h"), flowSP: b.own(id, "flow_sp_m3h"), in: b.own(id, "pressure_in_bar"), out: b.own(id, "pressure_out_bar"),
		inlet: b.own(id, "temp_inlet_c"), bearingDE: b.own(id, "temp_bearing_de_c"), bearingNDE: b.own(id, "temp_bearing_nde_c"),
		amps: b.own(id, "motor_current_a"), seal: b.own(id, "seal_flush_lpm"), running: b.own(id, "running"), hours: b.own(id, "run_hours_h"),
		speed: b.own(id, "speed_rpm"), vibration: b.own(id, "vibration_rms"),
	}
	around := g.near(id, twin.Drives, twin.Powers, twin.Controls)
	motor := g.first(around, "induction_motor")
	drive := g.first(append(around, g.near(motor, twin.Drives, twin.Powers, twin.Controls)...), "variable_speed_drive")
	p.motor = machineTags{
		current: b.own(motor, "current_a"), power: b.own(motor, "power_kw"), winding: b.own(motor, "winding_temp_c"),
		speed: b.own(motor, "speed_rpm"), vibration: b.own(motor, "vibration_rms"), starts: b.own(motor, "starts"),
	}
	p.drive = driveTags{
		state: b.own(drive, "state"), hz: b.own(drive, "output_hz"), setpoint: b.own(drive, "speed_sp_rpm"), bus: b.own(drive, "dc_bus_v"),
		sink: b.own(drive, "heatsink_temp_c"),
	}
	suction, out := p.in.nominal(1.9), p.out.nominal(6.4)
	p.q0, p.h0, p.line = max(1, p.flow.nominal(100)), max(0.1, out-suction), max(0.05, out-l.p0)
	p.hum, p.unrest = b.w.newDrift(p.vibration, 11, 60, 0.06), b.w.newDrift(p.drive.bus, 12, 30, 0.008)
	p.hours.set(float64(6000 + hash(g.asset(id).Path)%24000))
	p.motor.starts.set(float64(40 + hash(g.asset(id).Path)%300))
	if b.standing[id] {
		p.drive.setpoint.set(0)
		if p.drive.setpoint == nil {
			p.flowSP.set(0)
		}
	} else {
		p.s, p.q, p.started = p.command(), 1, true
		l.duty++
		l.q0 += p.q0
		l.suction = suction
	}
	b.pumps[id] = p
	return p
}

// instruments builds what measures other assets.
func (b *builder) instruments() {
	g := b.g
	for _, id := range g.all("vibration_sensor") {
		for _, on := range g.out[edge{id, twin.Measures}] {
			if p := b.pumps[on]; p != nil {
				f := &feeler{velocity: b.own(id, "velocity_rms"), peak: b.own(id, "accel_peak"), temp: b.own(id, "temp_c"), pump: p}
				b.w.models = append(b.w.models, f)
			}
		}
	}
	for _, id := range g.all("energy_meter") {
		b.w.models = append(b.w.models, b.meter(id))
	}
}

func (b *builder) meter(id string) *meter {
	g := b.g
	m := &meter{power: b.own(id, "power_kw"), energy: b.own(id, "energy_kwh"), current: b.own(id, "current_a"), factor: b.own(id, "power_factor"), size: 0.6, base: 0.5}
	for _, of := range g.out[edge{id, twin.Measures}] {
		a := g.asset(of)
		if a.Level == twin.Site || a.Level == twin.Enterprise {
			m.size, m.base = 1.8, 0.7
		}
		for _, in := range g.model.Assets {
			if !twin.Under(in.Path, a.Path) {
				continue
			}
			if p := b.pumps[in.ID]; p != nil {
				m.pumps = append(m.pumps, p)
				if !b.standing[in.ID] {
					m.duty++
				}
			}
			if c := b.cells[in.ID]; c != nil {
				m.cells = append(m.cells, c)
			}
		}
	}
	path := g.asset(id).Path
	m.size *= 0.85 + 0.3*float64(hash(path)%100)/100
	m.energy.set(float64(100_000 + hash(path)%4_000_000))
	m.unrest, m.phase = b.w.newDrift(m.power, 13, 120, 0.015), b.w.newDrift(m.factor, 14, 600, 0.008)
	return m
}

func number(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case uint64:
		return float64(x), true
	}
	return 0, false
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}
