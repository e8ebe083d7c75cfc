// Package opcua reads OPC UA servers by subscription. Sessions and subscriptions are made anew by us after anything
// that went wrong: the library's own reconnect may come back without the subscriptions, and says nothing.
package opcua

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Point is one variable.
type Point struct {
	Node     string        // ns=2;s=P-007.flow
	Interval time.Duration // sampling
}

// Config is one server and the variables to read there.
type Config struct {
	Endpoint   string        // opc.tcp://host:port/path
	Timeout    time.Duration // of one request
	Secure     bool          // Basic256Sha256, SignAndEncrypt; otherwise nothing is signed
	User       string        // empty is anonymous
	Password   string        //
	Identity   Identity      // needed when Secure
	Trust      Trust         // of the server's certificate, when Secure
	Publishing time.Duration // 0 is each point's sampling interval
	Points     []Point
	Clock      clock.Clock
	Log        *slog.Logger
}

// Driver implements driver.Driver for one server.
type Driver struct {
	driver.Counter
	cfg    Config
	nodes  []*ua.NodeID
	newest []int64 // time of the last reading of each point
	// skew is how far the server's clock is ahead of ours. Silence is told in the server's time, as values are.
	skew atomic.Int64
}

var _ driver.Driver = (*Driver)(nil)

const (
	retryBase  = time.Second
	retryCap   = 30 * time.Second
	provedGood = 10 * time.Second
)

// CheckNode reports what is wrong with a node id.
func CheckNode(node string) error {
	if _, err := ua.ParseNodeID(node); err != nil || node == "" {
		return errors.New("is not a node id such as ns=2;s=P-007.flow or ns=2;i=1001")
	}
	return nil
}

// New makes a driver; a node id that is none is refused.
func New(cfg Config) (*Driver, error) {
	d := &Driver{cfg: cfg, nodes: make([]*ua.NodeID, len(cfg.Points)), newest: make([]int64, len(cfg.Points))}
	d.cfg.Log = cfg.Log.With("endpoint", cfg.Endpoint)
	for i, p := range cfg.Points {
		id, err := ua.ParseNodeID(p.Node)
		if err != nil {
			return nil, fault.Field("node", p.Node, "is not a node id")
		}
		d.nodes[i] = id
	}
	return d, nil
}

// Run implements driver.Driver.
func (d *Driver) Run(ctx context.Context, emit func([]driver.Reading)) error {
	all := make([]int, len(d.cfg.Points))
	for i := range all {
		all[i] = i
	}
	for attempt := 0; ; attempt++ {
		began := d.cfg.Clock.Now()
		err := d.session(ctx, emit)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the session failed because it was to end
		}
		now := d.cfg.Clock.Now()
		if now.Sub(began) >= provedGood {
			attempt = 0
		}
		d.Count(1, true)
		wait := pause(attempt, rand.Float64())
		d.cfg.Log.WarnContext(ctx, "opcua session lost", "err", err, "hint", hint(err), "retry_in", wait.Round(time.Millisecond).String())
		emit(d.silence(all, lost(err)))
		if clock.Sleep(ctx, d.cfg.Clock, wait) != nil {
			return nil //nolint:nilerr // ctx ended while waiting
		}
	}
}

// silence is a reading without value for each of the points, now.
func (d *Driver) silence(points []int, q twin.Quality) []driver.Reading {
	out := driver.Silence(points, q, d.cfg.Clock.Now().UnixNano()+d.skew.Load())
	for n := range out {
		i := out[n].Point
		out[n].T = max(out[n].T, d.newest[i])
		d.newest[i] = out[n].T
	}
	return out
}

// lost is the quality of every point when there is no session: never connected, or not allowed to, or cut off.
func lost(err error) twin.Quality {
	if fault.Is(err, fault.Denied) {
		return twin.NotConnected
	}
	return twin.CommFailure
}

func hint(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Hint
	}
	return ""
}

// pause is the wait before attempt n+1, with jitter: from half to the whole of 1 s doubled n times, at most 30 s.
func pause(n int, r float64) time.Duration {
	top := retryCap
	if n < 5 {
		top = min(retryCap, retryBase<<n)
	}
	return time.Duration((0.5 + r/2) * float64(top))
}
