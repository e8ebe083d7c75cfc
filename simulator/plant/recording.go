package plant

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// Track plays a recording on one asset: row after row, interpolated between rows, from the start again at its end.
type Track struct {
	Asset   string         // asset id
	Rows    [][]float64    // as ReadRecording returns them
	Columns map[string]int // tag → 1-based column
	Step    time.Duration  // time from one row to the next
}

// teColumns is the width of a row of the Tennessee Eastman recordings.
const teColumns = 52

// ReadRecording reads a table of numbers separated by white space. A file that holds columns as lines, as the
// normal run of the Tennessee Eastman recordings does, is turned.
func ReadRecording(r io.Reader) ([][]float64, error) {
	var rows [][]float64
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		words := strings.Fields(in.Text())
		if len(words) == 0 {
			continue
		}
		row := make([]float64, len(words))
		for i, s := range words {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fault.Field(fmt.Sprintf("line %d, column %d", n, i+1), s, "is not a number")
			}
			row[i] = v
		}
		if len(rows) > 0 && len(row) != len(rows[0]) {
			return nil, fault.Field(fmt.Sprintf("line %d", n), len(row), "wants %d columns as the lines above", len(rows[0]))
		}
		rows = append(rows, row)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.New(fault.Invalid, "the recording is empty")
	}
	if len(rows) == teColumns && len(rows[0]) != teColumns {
		return turned(rows), nil
	}
	return rows, nil
}

func turned(rows [][]float64) [][]float64 {
	out := make([][]float64, len(rows[0]))
	for i := range out {
		out[i] = make([]float64, len(rows))
		for j := range rows {
			out[i][j] = rows[j][i]
		}
	}
	return out
}

// replay is the model of a track. It plays forward to the last row and then back again: a jump from the last row
// to the first would be an upset the process never had.
type replay struct {
	rows    [][]float64
	lasts   float64 // seconds from row to row
	at      float64 // seconds since the first row
	refs    []Ref
	columns []int
}

func (w *World) newReplay(t Track) (*replay, error) {
	if t.Step <= 0 {
		return nil, fault.Field("replay.step", t.Step, "must be above zero")
	}
	if len(t.Rows) < 2 {
		return nil, fault.Field("replay.recording", len(t.Rows), "needs at least two rows")
	}
	r := &replay{rows: t.Rows, lasts: t.Step.Seconds()}
	for tag, col := range t.Columns {
		ref, ok := w.Resolve(t.Asset, tag)
		if !ok {
			return nil, fault.Field("replay.columns", tag, "asset %s has no such tag", t.Asset)
		}
		if col < 1 || col > len(t.Rows[0]) {
			return nil, fault.Field("replay.columns."+tag, col, "the recording has columns 1 to %d", len(t.Rows[0]))
		}
		p := &w.points[ref]
		p.owned, p.noise = true, 0 // the recording carries its own noise
		r.refs, r.columns = append(r.refs, ref), append(r.columns, col-1)
		p.truth = t.Rows[0][col-1]
	}
	return r, nil
}

// settled keeps a recording at its first row while the rest of the plant warms up.
func (r *replay) settled() bool { return true }

func (r *replay) step(w *World, dt float64) {
	r.at += dt
	last := float64(len(r.rows) - 1)
	x := math.Mod(r.at/r.lasts, 2*last)
	if x > last {
		x = 2*last - x
	}
	i := min(int(x), len(r.rows)-2)
	f := x - float64(i)
	a, b := r.rows[i], r.rows[i+1]
	for k, ref := range r.refs {
		w.points[ref].truth = a[r.columns[k]] + f*(b[r.columns[k]]-a[r.columns[k]])
	}
}
