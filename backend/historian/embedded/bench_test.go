package embedded_test

import (
	"context"
	"io/fs"
	"math"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/historian/query"
	"github.com/lineshaft/lineshaft/twin"
)

// cpu is the processor time this process has used, in seconds: what counts on a machine that is shared.
func cpu(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

const (
	benchStart = int64(1773705600e9)
	day        = 86400
)

// walks are tags that each take a random walk in hundredths, once a second.
type walks struct {
	rnd *rand.Rand
	at  int64
	v   []float64
}

func newWalks(n int) *walks {
	w := &walks{rnd: rand.New(rand.NewPCG(1, 2)), at: benchStart, v: make([]float64, n)}
	for i := range w.v {
		w.v[i] = 7000
	}
	return w
}

// next is the next second of all tags.
func (w *walks) next(ps []historian.Point) []historian.Point {
	for i := range w.v {
		w.v[i] += math.Round(w.rnd.NormFloat64() * 10)
		s := twin.Sample{T: w.at, V: twin.FloatValue(w.v[i] / 100), Q: twin.Good}
		ps = append(ps, historian.Point{Series: historian.SeriesID(i + 1), Sample: s, Received: w.at + 2e8})
	}
	w.at += 1e9
	return ps
}

func fill(b *testing.B, h historian.Historian, tags, seconds int) {
	b.Helper()
	w := newWalks(tags)
	var ps []historian.Point
	for s := range seconds {
		ps = w.next(ps[:0])
		if err := h.Append(context.Background(), ps); err != nil {
			b.Fatal(err)
		}
		if s%60 == 59 || s == seconds-1 {
			if err := h.Commit(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func openBench(b *testing.B, dir string) *embedded.Store {
	b.Helper()
	s, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkAppend appends 700 tags second by second and commits every ten seconds: a batch of 7000 points.
func BenchmarkAppend(b *testing.B) {
	s := openBench(b, b.TempDir())
	h, w := s.Tenant("acme"), newWalks(700)
	var ps []historian.Point
	points, made, start := 0, 0.0, cpu(b)
	for b.Loop() {
		for range 10 {
			before := cpu(b)
			ps = w.next(ps[:0])
			made += cpu(b) - before
			if err := h.Append(b.Context(), ps); err != nil {
				b.Fatal(err)
			}
		}
		if err := h.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		points += 7000
	}
	stored := cpu(b)
	if err := s.Roll(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric((cpu(b)-stored)/float64(points)*1e6, "cpu-s-of-rollups/Mpoint")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric((cpu(b)-start-made)/float64(points)*1e6, "cpu-s/Mpoint")
}

// BenchmarkAppendLate does the same with every other tag two to seventy-two hours late.
func BenchmarkAppendLate(b *testing.B) {
	s := openBench(b, b.TempDir())
	h, w := s.Tenant("acme"), newWalks(700)
	rnd := rand.New(rand.NewPCG(5, 6))
	var ps []historian.Point
	points, made, start := 0, 0.0, cpu(b)
	for b.Loop() {
		for range 10 {
			before := cpu(b)
			ps = w.next(ps[:0])
			for i := range ps {
				if i%2 == 0 {
					ps[i].T -= (2 + rnd.Int64N(70)) * 3600e9
				}
			}
			made += cpu(b) - before
			if err := h.Append(b.Context(), ps); err != nil {
				b.Fatal(err)
			}
		}
		if err := h.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		points += 7000
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric((cpu(b)-start-made)/float64(points)*1e6, "cpu-s/Mpoint")
}

// BenchmarkDisk reports what a day of a hundred tags takes on disk once it is closed.
func BenchmarkDisk(b *testing.B) {
	const tags = 100
	for b.Loop() {
		dir := b.TempDir()
		s := openBench(b, dir)
		fill(b, s.Tenant("acme"), tags, day)
		if err := s.Roll(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		size := int64(0)
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil && filepath.Ext(d.Name()) == ".sst" {
				size += info.Size()
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size)/(tags*day), "B/point")
	}
}

func rollAll(b *testing.B, s *embedded.Store) {
	b.Helper()
	if err := s.Roll(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkQuarter asks for the hours of ninety days of a tag that is read every ten seconds.
func BenchmarkQuarter(b *testing.B) {
	s := openBench(b, b.TempDir())
	h, w := s.Tenant("acme"), newWalks(1)
	var ps []historian.Point
	for range 90 {
		ps = ps[:0]
		for range day / 10 {
			ps = w.next(ps)
			w.at += 9e9
		}
		if err := h.Append(b.Context(), ps); err != nil {
			b.Fatal(err)
		}
		if err := h.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	rollAll(b, s)
	q := query.Query{
		Tags: []query.Tag{{Series: 1, Expected: 10 * time.Second}}, From: benchStart, To: benchStart + 90*day*1e9, Interval: time.Hour,
	}
	start := cpu(b)
	for b.Loop() {
		r, err := query.Run(b.Context(), h, q)
		if err != nil || len(r[0].T) != 90*24 {
			b.Fatalf("%d intervals, %v", len(r[0].T), err)
		}
	}
	b.ReportMetric((cpu(b)-start)/float64(b.N)*1e3, "cpu-ms/op")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReads asks of a day of ten tags and of a thousand last values.
func BenchmarkReads(b *testing.B) {
	s := openBench(b, b.TempDir())
	h := s.Tenant("acme")
	fill(b, h, 10, day)
	fill(b, s.Tenant("wide"), 1000, 2)
	from, to := benchStart, benchStart+day*1e9
	run := func(name string, ask func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			start := cpu(b)
			for b.Loop() {
				ask(b)
			}
			b.ReportMetric((cpu(b)-start)/float64(b.N)*1e3, "cpu-ms/op")
		})
	}
	run("day-raw", func(b *testing.B) {
		c, err := h.Read(b.Context(), 3, from, to)
		if err != nil || len(c.T) != day {
			b.Fatalf("%d samples, %v", len(c.T), err)
		}
	})
	tags := []query.Tag{{Series: 3, Expected: time.Second}}
	run("day-mean-per-minute", func(b *testing.B) {
		r, err := query.Run(b.Context(), h, query.Query{Tags: tags, From: from, To: to, Interval: time.Minute})
		if err != nil || len(r[0].T) != day/60 {
			b.Fatalf("%d intervals, %v", len(r[0].T), err)
		}
	})
	rollAll(b, s)
	run("day-mean-per-minute-rolled-up", func(b *testing.B) {
		r, err := query.Run(b.Context(), h, query.Query{Tags: tags, From: from, To: to, Interval: time.Minute})
		if err != nil || len(r[0].T) != day/60 {
			b.Fatalf("%d intervals, %v", len(r[0].T), err)
		}
	})
	run("day-thinned-to-1200", func(b *testing.B) {
		if _, err := query.Run(b.Context(), h, query.Query{Tags: tags, From: from, To: to, MaxPoints: 1200}); err != nil {
			b.Fatal(err)
		}
	})
	run("last-hour-raw", func(b *testing.B) {
		if _, err := h.Read(b.Context(), 3, to-3600e9, to); err != nil {
			b.Fatal(err)
		}
	})
	ids := make([]historian.SeriesID, 1000)
	for i := range ids {
		ids[i] = historian.SeriesID(i + 1)
	}
	wide := s.Tenant("wide")
	run("last-of-1000", func(b *testing.B) {
		if _, err := wide.Last(b.Context(), ids); err != nil {
			b.Fatal(err)
		}
	})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
