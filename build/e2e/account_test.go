package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
)

// An account says what left a sender and what history answers, and names every difference. It reads envelopes with
// encoding/json and counts by itself: nothing of the product's ledger enters it.

// spot is one reading's place: a device's tag at an instant (ms).
type spot struct {
	device, tag string
	ts          int64
}

// row is one message as an outbox on disk holds it.
type row struct {
	device, epoch, channel string
	seq                    uint64
	payload                []byte
}

// envelope is the published form, read loosely: t, v and q may be scalars or arrays, t_ns stands for a finer t.
type envelope struct {
	DeviceID string `json:"device_id"`
	TS       int64  `json:"ts"`
	D        map[string]struct {
		T json.RawMessage `json:"t"`
		N json.RawMessage `json:"t_ns"`
		V json.RawMessage `json:"v"`
	} `json:"d"`
}

// readings lists the readings of an envelope by their spots.
func readings(payload []byte) (map[spot]float64, error) {
	var e envelope
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	out := map[spot]float64{}
	for tag, d := range e.D {
		vs, err := numbers(d.V)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tag, err)
		}
		ts, raw, unit := make([]float64, len(vs)), d.T, 1.0
		if len(raw) == 0 {
			raw, unit = d.N, 1e6
		}
		if len(raw) > 0 {
			if ts, err = numbers(raw); err != nil || len(ts) != len(vs) {
				return nil, fmt.Errorf("%s: %d times for %d values: %w", tag, len(ts), len(vs), err)
			}
		}
		for i, v := range vs {
			out[spot{e.DeviceID, tag, e.TS + int64(math.Floor(ts[i]/unit))}] = v
		}
	}
	return out, nil
}

func numbers(raw json.RawMessage) ([]float64, error) {
	var many []any
	if err := json.Unmarshal(raw, &many); err != nil {
		var one any
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		many = []any{one}
	}
	out := make([]float64, len(many))
	for i, v := range many {
		out[i] = number(v)
	}
	return out, nil
}

// number makes a JSON value comparable: true is 1, what is no number 0.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
	}
	return 0
}

// missing names what was sent and is not in history with its value.
func missing(sent, history map[spot]float64) []string {
	var out []string
	for s, v := range sent {
		if got, ok := history[s]; !ok {
			out = append(out, fmt.Sprintf("%s %s at %d is not in history", s.device, s.tag, s.ts))
		} else if got != v {
			out = append(out, fmt.Sprintf("%s %s at %d is %v in history and was sent as %v", s.device, s.tag, s.ts, got, v))
		}
	}
	slices.Sort(out)
	return out
}

// holes names every break in the numbers of (device, epoch, channel) from the first to the last row on disk, and
// every row whose readings history does not have.
func holes(rows []row, history map[spot]float64, deadLetters map[string]bool) (out []string, counted int) {
	type stream struct{ device, epoch, channel string }
	seqs := map[stream][]uint64{}
	for _, r := range rows {
		s := stream{r.device, r.epoch, r.channel}
		seqs[s] = append(seqs[s], r.seq)
		if r.channel != "telemetry" || deadLetters[string(r.payload)] {
			continue
		}
		sent, err := readings(r.payload)
		if err != nil {
			out = append(out, fmt.Sprintf("row %s %s %d cannot be read: %v", r.device, r.channel, r.seq, err))
			continue
		}
		counted += len(sent)
		out = append(out, missing(sent, history)...)
	}
	for s, ns := range seqs {
		slices.Sort(ns)
		if ns[0] != 1 {
			out = append(out, fmt.Sprintf("%s %s begins at %d", s.device, s.channel, ns[0]))
		}
		for i := 1; i < len(ns); i++ {
			if ns[i] != ns[i-1]+1 {
				out = append(out, fmt.Sprintf("%s %s jumps from %d to %d", s.device, s.channel, ns[i-1], ns[i]))
			}
		}
	}
	slices.Sort(out)
	return out, counted
}

// TestTheAccountSeesOneMissingRow removes one row from each side: an account that cannot fail proves nothing.
func TestTheAccountSeesOneMissingRow(t *testing.T) {
	payload := []byte(`{"device_id":"P-1","ts":1000,"d":{"flow":{"t":[0,100],"v":[1.5,2.5],"q":192},"on":{"v":true,"q":192}}}`)
	rows := []row{{"P-1", "E", "telemetry", 1, payload}, {"P-1", "E", "telemetry", 2, payload}, {"P-1", "E", "telemetry", 3, payload}}
	history, err := readings(payload)
	if err != nil || len(history) != 3 {
		t.Fatalf("readings: %v, %v", history, err)
	}
	if bad, n := holes(rows, history, nil); len(bad) != 0 || n != 9 {
		t.Fatalf("a whole account is refused: %v, %d counted", bad, n)
	}
	if bad, _ := holes(slices.Delete(slices.Clone(rows), 1, 2), history, nil); len(bad) != 1 {
		t.Errorf("a row taken from the outbox was not missed: %v", bad)
	}
	less := maps.Clone(history)
	delete(less, spot{"P-1", "flow", 1100})
	if bad, _ := holes(rows[:1], less, nil); len(bad) != 1 {
		t.Errorf("a reading taken from history was not missed: %v", bad)
	}
	less[spot{"P-1", "flow", 1100}] = 9
	if bad, _ := holes(rows[:1], less, nil); len(bad) != 1 {
		t.Errorf("a changed value was not seen: %v", bad)
	}
}
