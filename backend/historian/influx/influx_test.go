package influx_test

import (
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/historiantest"
	"github.com/lineshaft/lineshaft/backend/historian/influx"
	"github.com/lineshaft/lineshaft/backend/historian/influx/influxtest"
	"github.com/lineshaft/lineshaft/twin"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
	}))
}

// open opens a store at the server and closes it with the test.
func open(t testing.TB, opt influx.Options) *influx.Store {
	t.Helper()
	if opt.Bucket == "" {
		opt.Bucket = influxtest.Bucket
	}
	store, err := influx.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// suite runs the historian suite; every test of it is a tenant of its own.
func suite(t *testing.T, opt influx.Options, bucket string) {
	var tenants atomic.Int32
	historiantest.Run(t, func(t testing.TB) *historiantest.Subject {
		name := fmt.Sprintf("%s-%d", bucket, tenants.Add(1))
		store := open(t, opt)
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		return &historiantest.Subject{Historian: store.Tenant(name), Reopen: func(t testing.TB) historian.Historian {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			store = open(t, opt)
			return store.Tenant(name)
		}}
	})
}

func TestSuite(t *testing.T) {
	server := influxtest.Start(t)
	// Four series to a line, of the kinds in turn, a few samples to a request: lines are shared, and corrections of
	// another kind stand beside what they correct.
	t.Run("WideLinesAndTinyBatches", func(t *testing.T) {
		suite(t, influx.Options{URL: server.URL, BatchPoints: 900, BatchBytes: 20_000, Places: pumps}, "wide")
	})
	if os.Getenv("LINESHAFT_PROVE") != "" { // as a backend never does it
		t.Run("OneSeriesALine", func(t *testing.T) { suite(t, influx.Options{URL: server.URL}, "narrow") })
	}
}

// pumps puts four series on each thing, under names the server has its own ideas about.
func pumps(_ string, id historian.SeriesID) (influx.Place, bool) {
	n := int(id-1) % 4
	return influx.Place{
		Measurement: "asset", ID: fmt.Sprintf("P-%03d", (id-1)/4), Field: []string{"flow m3/h", "time", "_state", "a=b"}[n],
		Kind: []twin.Kind{twin.Float, twin.Int, twin.Bool, twin.String}[n],
	}, id > 0
}
