package embedded_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/historian/historiantest"
)

func TestMain(m *testing.M) {
	if crashChild() {
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

// suite runs the historian suite on stores with the given options.
func suite(t *testing.T, opt embedded.Options) {
	historiantest.Run(t, func(t testing.TB) *historiantest.Subject {
		dir := t.TempDir()
		var store *embedded.Store
		open := func(t testing.TB) historian.Historian {
			var err error
			if store, err = embedded.Open(dir, opt); err != nil {
				t.Fatal(err)
			}
			return store.Tenant("acme")
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		return &historiantest.Subject{Historian: open(t), Reopen: func(t testing.TB) historian.Historian {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t)
		}, Roll: func(t testing.TB) {
			if err := store.Roll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}}
	})
}

func TestSuite(t *testing.T) { suite(t, embedded.Options{}) }

// Blocks of sixteen points and a log of two kilobytes: everything is sealed, carried over and compacted all the time.
func TestSuiteWithTinyBlocks(t *testing.T) {
	suite(t, embedded.Options{BlockPoints: 16, HeadPoints: 100, LogBytes: 2048})
}
