package embedded

import (
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
)

func TestAHistoryKnowsWhatItTakes(t *testing.T) {
	clk := clock.NewDriven(time.Unix(0, noon+12*3600*second))
	s := open(t, t.TempDir(), Options{Clock: clk, BlockPoints: 1000})
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	h := s.Tenant("acme")
	usage := func() Usage {
		t.Helper()
		clk.Advance(time.Minute)
		u, err := s.Usage(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if u := usage(); u.Points != 0 || u.Bytes != 0 || u.PerDay != 0 {
		t.Fatalf("an empty history takes %+v", u)
	}
	halfDay(t, h)
	open := historian.Point{Series: 2, Sample: twin.Sample{T: noon, V: twin.BoolValue(true), Q: twin.Good}}
	if err := h.Append(t.Context(), []historian.Point{open}); err != nil {
		t.Fatal(err)
	}
	before := usage()
	if err := s.Roll(t.Context()); err != nil {
		t.Fatal(err)
	}
	u := usage()
	if u.Points != 4321 || len(u.Series) != 2 || u.Series[0].Points != 4320 || u.Series[1].Points != 1 {
		t.Fatalf("%+v", u)
	}
	if u.Bytes <= before.Bytes || u.Series[0].Bytes <= before.Series[0].Bytes || u.Series[0].Bytes > u.Bytes {
		t.Fatalf("%+v, without rollups %+v", u, before)
	}
	// Half a day was written in half a day.
	if u.PerDay < u.Series[0].Bytes*3/2 || u.PerDay > u.Series[0].Bytes*5/2 {
		t.Fatalf("%d bytes a day where half a day takes %d", u.PerDay, u.Series[0].Bytes)
	}
	if err := h.Delete(t.Context(), 1, noon, noon+6*3600*second); err != nil {
		t.Fatal(err)
	}
	if left := usage(); left.Series[0].Points != 2160 {
		t.Fatalf("after half was deleted: %+v", left)
	}
}
