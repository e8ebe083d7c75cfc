package twins_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// large is a plant of n pumps in sites of ten areas with ten lines each.
func large(n int) twin.Model {
	m := small("large")
	m.Assets, m.Relations = nil, nil
	add := func(path string, level twin.Level, class string) string {
		a := twin.Asset{ID: wire.DerivedID(start, path), Path: path, Level: level, Class: class, Title: "Cooling water " + path, Tags: m.Classes[class].Tags}
		m.Assets = append(m.Assets, a)
		return a.ID
	}
	add("large", twin.Enterprise, "")
	last := ""
	for i := range n {
		site, area, line := fmt.Sprintf("large/site-%d", i/10000), (i/1000)%10, (i/100)%10
		if i%10000 == 0 {
			add(site, twin.Site, "")
		}
		if i%1000 == 0 {
			add(fmt.Sprintf("%s/area-%d", site, area), twin.Area, "")
		}
		path := fmt.Sprintf("%s/area-%d/line-%d", site, area, line)
		if i%100 == 0 {
			add(path, twin.WorkCenter, "")
		}
		id := add(fmt.Sprintf("%s/P-%06d", path, i), twin.Equipment, "centrifugal_pump")
		if last != "" {
			m.Relations = append(m.Relations, twin.Relation{Type: twin.Feeds, From: last, To: id})
		}
		last = id
	}
	return m
}

func heap() uint64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// A plant for which numbering, chunking and folding matter.
func TestALargePlant(t *testing.T) {
	r := newRig(t)
	m := large(5_000)
	r.load(m)
	var batch []twins.Reported
	for _, a := range m.Assets {
		if a.Class != "" {
			batch = append(batch, twins.Reported{Asset: a.ID, Tag: "temp_bearing_c", Sample: good(r.now(), 70), Received: r.now()})
		}
	}
	r.Report("large", batch)
	r.commit()
	r.restart()
	began := time.Now()
	tree, err := r.Tree("large")
	if took := time.Since(began); err != nil || len(tree.ID) != len(m.Assets) || took > 200*time.Millisecond {
		t.Errorf("%d nodes in %v, %v", len(tree.ID), took, err)
	}
	for i, parent := range tree.Parent {
		if int(parent) >= i || parent >= 0 && tree.Level[parent] == string(twin.Equipment) {
			t.Fatalf("node %d has parent %d", i, parent)
		}
	}
	_, _, total, err := r.Assets("large", twins.Filter{Q: "p-0049", Under: "large/site-0"})
	if err != nil || total != 100 {
		t.Errorf("%d found, %v", total, err)
	}
	if f, _ := r.Freshness("large"); f.Fresh != 5_000 {
		t.Errorf("%+v", f)
	}
	if in := r.load(m); in.Created+in.Changed != 0 {
		t.Errorf("%d created, %d changed by importing it again", in.Created, in.Changed)
	}
}

// The plant of the largest tenant: import, start, columns of the tree, memory, a look for the worst.
func BenchmarkHundredThousandAssets(b *testing.B) {
	for b.Loop() {
		r := newRig(b)
		m := large(100_000)
		began := time.Now()
		lap := func(unit string) {
			b.ReportMetric(float64(time.Since(began).Microseconds())/1000, unit)
			began = time.Now()
		}
		r.load(m)
		lap("import-ms")
		r.restart()
		lap("open-ms")
		if tree, err := r.Tree("large"); err != nil || len(tree.ID) != len(m.Assets) {
			b.Fatal(err)
		}
		lap("tree-ms")
		if _, _, total, err := r.Assets("large", twins.Filter{Q: "p-0999", Under: "large/site-9"}); err != nil || total != 100 {
			b.Fatal(total, err)
		}
		lap("search-ms")
		batch := make([]twins.Reported, 0, len(m.Assets))
		for _, a := range m.Assets {
			if a.Class != "" {
				batch = append(batch, twins.Reported{Asset: a.ID, Tag: "temp_bearing_c", Sample: good(r.now(), 70), Received: r.now()})
			}
		}
		n := len(m.Assets)
		m = twin.Model{}
		with := heap()
		r.Twins = nil
		b.ReportMetric(float64(with-heap())/float64(n), "B/asset")
		r.restart()
		began = time.Now()
		r.Report("large", batch)
		lap("report-ms")
		r.commit()
		lap("commit-ms")
		if worst := r.Worst("large", 10); len(worst) != 10 {
			b.Fatal(len(worst))
		}
		lap("worst-ms")
	}
}

func BenchmarkReport(b *testing.B) {
	r := newRig(b)
	m := large(10_000)
	r.load(m)
	var batch []twins.Reported
	for _, a := range m.Assets {
		for _, tag := range a.Tags {
			batch = append(batch, twins.Reported{Asset: a.ID, Tag: tag.Name})
		}
	}
	for _, readers := range []int{0, 4} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			for range readers {
				sub := r.Subscribe("large", "large/site-0/area-3")
				defer sub.Close()
			}
			at := r.now()
			b.ReportAllocs()
			for b.Loop() {
				at++
				for i := range batch {
					batch[i].Sample = good(at, 70)
					batch[i].Received = at
				}
				r.Report("large", batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch)), "ns/reading")
		})
	}
}

func BenchmarkCommit(b *testing.B) {
	r := newRig(b)
	m := large(10_000)
	r.load(m)
	at := r.now()
	n := 0
	for b.Loop() {
		at++
		n = 0
		for _, a := range m.Assets {
			if a.Class != "" {
				r.Report("large", []twins.Reported{{Asset: a.ID, Tag: "flow", Sample: good(at, 70), Received: at}, {Asset: a.ID, Tag: "temp_bearing_c", Sample: good(at, 70), Received: at}})
				n += 2
			}
		}
		r.commit()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/reading")
}
