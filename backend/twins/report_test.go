package twins_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
)

func good(at int64, v float64) twin.Sample {
	return twin.Sample{T: at, V: twin.FloatValue(v), Q: twin.Good}
}

func TestReportedNeverGoesBackwards(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	pump := m.Assets[4].ID
	tell := func(s twin.Sample, received int64) {
		r.Report("acme", []twins.Reported{{Asset: pump, Tag: "flow", Sample: s, Received: received, Device: "P-2"}})
	}
	want := func(when string, v float64, at, received int64) {
		t.Helper()
		doc, err := r.Twin("acme", pump)
		got := doc.Reported["flow"]
		if err != nil || got.V != twin.FloatValue(v) || got.TS.UnixNano() != at || got.Received.UnixNano() != received || got.Unit != "m3/h" || doc.ReportedBy != "P-2" {
			t.Errorf("%s: %+v, %v, want %v", when, got, err, v)
		}
	}
	at := r.now()
	tell(good(at, 10), at+1)
	want("first", 10, at, at+1)
	tell(good(at-1, 9), at+2)
	want("an outbox sends what is older", 10, at, at+1)
	tell(good(at+5, 11), at+6)
	want("newer", 11, at+5, at+6)
	tell(good(at+5, 12), at+7)
	want("a correction of the same instant", 12, at+5, at+7)
	tell(good(at+5, 11), at+6)
	want("the stream told the first again", 12, at+5, at+7)
	tell(twin.Sample{T: at + 6, Q: twin.CommFailure}, at+8)
	doc, err := r.Twin("acme", pump)
	if v := doc.Reported["flow"]; err != nil || v.V != (twin.Value{}) || v.Quality != "communication failure" || v.LimitState != twin.Within {
		t.Errorf("no value: %+v, %v", v, err)
	}
	r.Report("acme", []twins.Reported{{Asset: "unknown", Tag: "flow", Sample: good(at, 1)}, {Asset: pump, Tag: "unknown", Sample: good(at, 1)}})
	r.Report("nobody", []twins.Reported{{Asset: pump, Tag: "flow", Sample: good(at, 1)}})
	if doc, _ := r.Twin("acme", pump); len(doc.Reported) != 1 {
		t.Errorf("%+v", doc.Reported)
	}
}

// Whatever comes in whatever order, twice, in whatever batches, with a commit and a restart in between: what stands is
// the sample of the newest source time, of equal ones the one received last.
func TestReportAgreesWithANaiveFold(t *testing.T) {
	r := newRig(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		tenant := fmt.Sprintf("t%d", round)
		m := small(tenant)
		r.load(m)
		type slot struct{ asset, tag string }
		slots := []slot{{m.Assets[3].ID, "flow"}, {m.Assets[3].ID, "mode"}, {m.Assets[4].ID, "flow"}, {m.Assets[6].ID, "temp_bearing_c"}}
		want := map[slot]twins.Reported{}
		sub := r.Subscribe(tenant, "")
		defer sub.Close()
		seen, news := map[slot]twins.Value{}, false // what the subscriber was told, and whether there is more to tell
		received := start.UnixNano()
		for range rapid.IntRange(1, 5).Draw(rt, "batches") {
			var batch []twins.Reported
			for range rapid.IntRange(0, 8).Draw(rt, "samples") {
				s := rapid.SampledFrom(slots).Draw(rt, "slot")
				received += rapid.Int64Range(0, 1).Draw(rt, "received")
				x := twins.Reported{Asset: s.asset, Tag: s.tag, Received: received, Sample: twin.Sample{
					T: start.UnixNano() + rapid.Int64Range(0, 6).Draw(rt, "t"),
					V: rapid.SampledFrom([]twin.Value{{}, twin.FloatValue(1.5), twin.IntValue(-2), twin.BoolValue(true), twin.StringValue("é")}).Draw(rt, "v"),
					Q: rapid.SampledFrom([]twin.Quality{twin.Bad, twin.Uncertain, twin.Good}).Draw(rt, "q"),
				}}
				batch = append(batch, x)
				if old, ok := want[s]; !ok || x.T > old.T || x.T == old.T && x.Received >= old.Received {
					news = news || !ok || old != x
					want[s] = x
				}
			}
			r.Report(tenant, batch)
			if rapid.Bool().Draw(rt, "commit") {
				r.commit()
			}
			if news && rapid.Bool().Draw(rt, "read") {
				news = false
				read(rt, sub, func(asset, tag string, v twins.Value) { seen[slot{asset, tag}] = v })
			}
		}
		if news {
			read(rt, sub, func(asset, tag string, v twins.Value) { seen[slot{asset, tag}] = v })
		}
		check := func(when string) {
			for _, s := range slots {
				doc, err := r.Twin(tenant, s.asset)
				if err != nil {
					rt.Fatal(err)
				}
				w, told := want[s]
				got, is := doc.Reported[s.tag]
				if is != told || is && (got.V != w.V || got.Q != w.Q || got.TS.UnixNano() != w.T || got.Received.UnixNano() != w.Received) {
					rt.Fatalf("%s: %v is %+v, want %+v", when, s, got, w)
				}
				if is && seen[s] != got {
					rt.Fatalf("%s: a subscriber last saw %+v of %v, which is %+v", when, seen[s], s, got)
				}
			}
		}
		check("in memory")
		if round%10 == 0 {
			r.commit()
			r.restart()
			check("after a restart")
		}
	})
}

// read takes what a subscription has to say, which must be something.
func read(rt *rapid.T, sub *twins.Subscription, fn func(asset, tag string, v twins.Value)) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ups, err := sub.Next(ctx)
	if err != nil {
		rt.Fatal(err)
	}
	for _, u := range ups {
		for tag, v := range u.Reported {
			fn(u.Asset, tag, v)
		}
	}
}

func TestASlowReaderGetsTheNewestOnly(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	p2, p3 := m.Assets[4].ID, m.Assets[6].ID
	subs := map[string]*twins.Subscription{}
	for _, root := range []string{"", "acme/detroit/body-shop", "acme/detroit/body-shop/**", p2, "acme/paris"} {
		subs[root] = r.Subscribe("acme", root)
		defer subs[root].Close()
	}
	for i := range 1000 {
		at := r.now() + int64(i)
		r.Report("acme", []twins.Reported{
			{Asset: p2, Tag: "flow", Sample: good(at, float64(i)), Received: at}, {Asset: p3, Tag: "flow", Sample: good(at, float64(i)), Received: at},
		})
	}
	for root, want := range map[string]int{"": 2, "acme/detroit/body-shop": 1, "acme/detroit/body-shop/**": 1, p2: 1} {
		ups, err := subs[root].Next(t.Context())
		if err != nil || len(ups) != want {
			t.Fatalf("%q: %+v, %v, want %d assets", root, ups, err, want)
		}
		for _, u := range ups {
			if len(u.Reported) != 1 || u.Reported["flow"].V != twin.FloatValue(999) {
				t.Errorf("%q: %+v", root, u)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ups, err := subs["acme/paris"].Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a root that is not there: %+v, %v", ups, err)
	}
	paris := twin.Asset{ID: "01JPQ0000000000000000PAR1S", Path: "acme/paris", Level: twin.Site, Tags: []twin.Tag{{Name: "power", Type: "float64"}}}
	m.Assets = append(m.Assets, paris)
	r.load(m)
	r.Report("acme", []twins.Reported{{Asset: paris.ID, Tag: "power", Sample: good(r.now(), 3), Received: r.now()}})
	if ups, err := subs["acme/paris"].Next(t.Context()); err != nil || len(ups) != 1 || ups[0].Path != "acme/paris" {
		t.Errorf("once it is there: %+v, %v", ups, err)
	}
}

// flaky is a store whose disk is full for a while.
type flaky struct {
	*store.Space
	full bool
}

func (f *flaky) Write(ctx context.Context, puts []store.Pair) error {
	if f.full {
		return errors.New("no space left on device")
	}
	return f.Space.Write(ctx, puts)
}

func TestAFailedCommitIsMadeGoodByTheNext(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	pump := m.Assets[4].ID
	disk := &flaky{Space: r.store.Space("twins")}
	tw, err := twins.Open(t.Context(), disk, r.clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tw.Report("acme", []twins.Reported{{Asset: pump, Tag: "flow", Sample: good(r.now(), 5), Received: r.now()}})
	disk.full = true
	if err := tw.Commit(t.Context()); err == nil {
		t.Fatal("a commit to a full disk says it is done")
	}
	tw.Report("acme", []twins.Reported{{Asset: pump, Tag: "temp_bearing_c", Sample: good(r.now(), 50), Received: r.now()}})
	disk.full = false
	if err := tw.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.restart()
	if doc, err := r.Twin("acme", pump); err != nil || len(doc.Reported) != 2 {
		t.Errorf("%+v, %v", doc.Reported, err)
	}
}

func TestALongRunKeepsItsLogShort(t *testing.T) {
	r := newRig(t)
	plant := demo(t, "acme")
	r.load(plant.Model)
	words := make([]byte, 1000)
	for i := range words {
		words[i] = 'a' + byte(i%26)
	}
	told := 0
	for round := range 15 {
		at := r.now() + int64(round)
		var batch []twins.Reported
		for _, a := range plant.Assets {
			for _, tag := range a.Tags {
				batch = append(batch, twins.Reported{Asset: a.ID, Tag: tag.Name, Sample: twin.Sample{T: at, V: twin.StringValue(string(words[round:])), Q: twin.Good}, Received: at})
			}
		}
		told = len(batch)
		r.Report("acme", batch)
		r.commit()
	}
	size := 0
	if err := r.store.Space("twins").Scan([]byte("l/acme/"), func(_, v []byte) error { size += len(v); return nil }); err != nil {
		t.Fatal(err)
	}
	if size > 8<<20 {
		t.Errorf("the log has %d bytes", size)
	}
	r.restart()
	found := 0
	for _, a := range plant.Assets {
		doc, err := r.Twin("acme", a.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range doc.Reported {
			if v.V.Text() == string(words[14:]) {
				found++
			}
		}
	}
	if found != told || told == 0 {
		t.Errorf("%d of %d values came back", found, told)
	}
}

func TestEverybodyAtOnce(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	ctx, cancel := context.WithCancel(t.Context())
	var writers, readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			sub := r.Subscribe("acme", "acme/detroit")
			defer sub.Close()
			for {
				if _, err := sub.Next(ctx); err != nil {
					return
				}
			}
		})
	}
	base := r.now()
	for w := range 3 {
		writers.Go(func() {
			for i := range int64(300) {
				at := base + i
				for _, n := range []int{3, 4, 6} {
					r.Report("acme", []twins.Reported{
						{Asset: m.Assets[n].ID, Tag: "flow", Sample: good(at, float64(w)), Received: at},
						{Asset: m.Assets[n].ID, Tag: "temp_bearing_c", Sample: good(at, float64(i)), Received: at},
					})
				}
			}
		})
	}
	writers.Go(func() {
		mine := small("acme")
		for i := range 10 {
			mine.Assets[0].Title = fmt.Sprint(i)
			class := mine.Classes["centrifugal_pump"]
			class.Tags = append(append([]twin.Tag{}, class.Tags[:4]...), twin.Tag{Name: fmt.Sprintf("extra_%d", i%2), Type: "int64"})
			mine.Classes["centrifugal_pump"] = class
			if _, err := r.Import(t.Context(), mine, "test", false); err != nil {
				t.Error(err)
			}
			r.commit()
		}
	})
	writers.Go(func() {
		for range 100 {
			r.Worst("acme", 3)
			r.Freshness("acme")
			if _, err := r.Twin("acme", m.Assets[4].ID); err != nil {
				t.Error(err)
			}
		}
	})
	writers.Wait()
	cancel()
	readers.Wait()
	r.commit()
	r.restart()
	for _, n := range []int{3, 4, 6} {
		doc, err := r.Twin("acme", m.Assets[n].ID)
		if err != nil || doc.Reported["temp_bearing_c"].V != twin.FloatValue(299) || doc.Reported["flow"].TS.UnixNano() != base+299 {
			t.Errorf("%+v, %v", doc.Reported, err)
		}
	}
}
