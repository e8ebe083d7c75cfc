package influx_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/influx"
	"github.com/lineshaft/lineshaft/backend/historian/influx/influxtest"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func reading(id historian.SeriesID, at int64, v float64) historian.Point {
	return historian.Point{Series: id, Sample: twin.Sample{T: at, V: twin.FloatValue(v), Q: twin.Good}, Received: at}
}

func expect(t *testing.T, h historian.Historian, id historian.SeriesID, n int) {
	t.Helper()
	c, err := h.Read(t.Context(), id, noon, noon+1e6*second)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.T) != n {
		t.Fatalf("%d samples of series %d, wanted %d", len(c.T), id, n)
	}
}

// TestAServerThatIsAwayLosesNothing stops the server, lets readings come, kills it once more in the middle, and
// counts.
func TestAServerThatIsAwayLosesNothing(t *testing.T) {
	server := influxtest.Start(t)
	store := open(t, influx.Options{URL: server.URL, Patience: 300 * time.Millisecond, BatchPoints: 100})
	h := store.Tenant("acme")
	sent := 0
	send := func(n int) {
		t.Helper()
		for range n {
			if err := h.Append(t.Context(), []historian.Point{reading(1, noon+int64(sent)*second, float64(sent))}); err != nil {
				t.Fatal(err)
			}
			sent++
		}
	}
	send(250)
	if err := h.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	send(1000)
	err := h.Commit(t.Context())
	if !fault.Is(err, fault.Unavailable) || store.Trouble() == nil {
		t.Fatalf("a commit without a server: %v; trouble %v", err, store.Trouble())
	}
	if _, err := h.Read(t.Context(), 1, noon, noon+second); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("a question without a server: %v", err)
	}
	server.Start(t)
	if err := h.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Trouble(); err != nil {
		t.Fatalf("still in trouble: %v", err)
	}
	expect(t, h, 1, sent)
	server.Kill(t)
	server.Start(t)
	expect(t, h, 1, sent) // what was committed is on its disk
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTooMuchIsRefusedAndNotForgotten fills the memory set aside for a server that is away.
func TestTooMuchIsRefusedAndNotForgotten(t *testing.T) {
	store := open(t, influx.Options{URL: "http://127.0.0.1:1", MaxWaiting: 10, Patience: time.Millisecond})
	h := store.Tenant("acme")
	var ps []historian.Point
	for i := range int64(8) {
		ps = append(ps, reading(1, noon+i*second, 1))
	}
	if err := h.Append(t.Context(), ps); err != nil {
		t.Fatal(err)
	}
	if err := h.Append(t.Context(), ps); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("more than fits: %v", err)
	}
	if err := store.Close(); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("closing with readings that are nowhere: %v", err)
	}
}

func TestOneSignsIn(t *testing.T) {
	server := influxtest.StartGuarded(t)
	for token, ok := range map[string]bool{"": false, "plant:wrong": false, server.Token: true} {
		store := open(t, influx.Options{URL: server.URL, Token: token})
		h := store.Tenant("acme")
		began := time.Now()
		err := h.Append(t.Context(), []historian.Point{reading(1, noon, 1)})
		if err == nil {
			err = h.Commit(t.Context())
		}
		if (err == nil) != ok {
			t.Errorf("with token %q: %v", token, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "did not write") || token != "" && strings.Contains(err.Error(), token)) {
			t.Errorf("the refusal says %v", err)
		}
		if !ok && time.Since(began) > 2*time.Second {
			t.Error("a refusal was repeated")
		}
		if ok {
			expect(t, h, 1, 1)
		}
		if err := store.Close(); (err == nil) != ok {
			t.Errorf("close: %v", err)
		}
	}
}

// TestOlderThanTheBucketKeeps writes to a policy of a day: what it would forget at once is no reason to stop.
func TestOlderThanTheBucketKeeps(t *testing.T) {
	server := influxtest.Start(t)
	server.Query(t, "CREATE RETENTION POLICY day ON lineshaft DURATION 1d REPLICATION 1")
	var log bytes.Buffer
	store := open(t, influx.Options{URL: server.URL, Bucket: "lineshaft/day", Log: slog.New(slog.NewTextHandler(&log, nil))})
	h := store.Tenant("acme")
	now := time.Now().UnixNano()
	if err := h.Append(t.Context(), []historian.Point{reading(1, noon-1e7*second, 1), reading(1, now, 2)}); err != nil {
		t.Fatal(err)
	}
	if err := h.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := h.Read(t.Context(), 1, 0, now+1)
	if err != nil || len(c.T) != 1 {
		t.Fatalf("%v, %v", c, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "older than the bucket keeps") {
		t.Errorf("nobody was told: %s", log.String())
	}
}

// TestWhatTheGuideSays asks as docs/how-to/use-influxdb.md tells people to: the mean of what was good, also where it
// came late, and a line for each message.
func TestWhatTheGuideSays(t *testing.T) {
	server := influxtest.Start(t)
	store := open(t, influx.Options{URL: server.URL, Places: func(_ string, id historian.SeriesID) (influx.Place, bool) {
		return influx.Place{Measurement: "asset", ID: "01KKWWY", Field: []string{"flow_m3h", "head_m"}[id-1], Kind: twin.Float}, true
	}})
	h := store.Tenant("acme")
	var ps []historian.Point
	for i, q := range []twin.Quality{twin.Good, twin.Good, twin.Bad, twin.GoodLocalOverride, twin.Uncertain} {
		at := noon + int64(i)*second
		for _, id := range []historian.SeriesID{1, 2} {
			p := reading(id, at, float64(i))
			p.Q = q
			if i == 1 {
				p.Received += 3600 * second
			}
			ps = append(ps, p)
		}
	}
	if err := h.Append(t.Context(), ps); err != nil {
		t.Fatal(err)
	}
	if err := h.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Delete(t.Context(), 2, noon, noon+second); err != nil {
		t.Fatal(err)
	}
	got := server.Query(t, `SELECT mean("flow_m3h"), count("flow_m3h") FROM "asset" WHERE "id" = '01KKWWY' AND "flow_m3h:q" % 256 >= 192`)
	if !strings.Contains(got, "[[0,1.3333333333333333,3]]") {
		t.Errorf("the mean of 0, 1 and 3 is %s", got)
	}
	got = server.Query(t, `SELECT count("flow_m3h") FROM "asset" WHERE "head_m:q" >= 0`)
	if !strings.Contains(got, "[[0,4]]") {
		t.Errorf("of five lines, of which one lost its head: %s", got)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
