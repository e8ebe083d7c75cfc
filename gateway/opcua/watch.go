package opcua

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/twin"
)

const (
	queueSize    = 10
	monitorChunk = 500
	// heartbeat is the client handle of the server's clock, which every subscription also watches: its ticks show
	// that the subscription lives, even if nothing else changes. Some servers do not keep the highest number.
	heartbeat = uint32(1 << 30)
	// A subscription is dead that brought nothing for so many publishing intervals, and for silenceFloor at least.
	silenceIntervals = 5
	silenceFloor     = 5 * time.Second
	retryRefused     = time.Minute
	lifetime         = time.Minute
)

// subscription is one publishing interval and its points.
type subscription struct {
	sub      *opcua.Subscription
	interval time.Duration
	points   []int
	beats    bool  // the server's clock is watched
	heard    int64 // when anything last came
}

// watch is one session's subscriptions, and the last reading of each point.
type watch struct {
	d       *Driver
	client  *opcua.Client
	notices chan *opcua.PublishNotificationData
	emit    func([]driver.Reading)

	subs    map[uint32]*subscription
	last    []twin.Sample // of each point; no value and T 0 before the first
	refused []int         // points the server does not know
}

func newWatch(d *Driver, c *opcua.Client, notices chan *opcua.PublishNotificationData, emit func([]driver.Reading)) *watch {
	return &watch{d: d, client: c, notices: notices, emit: emit, subs: make(map[uint32]*subscription), last: make([]twin.Sample, len(d.nodes))}
}

// subscribe makes a subscription for each interval.
func (w *watch) subscribe(ctx context.Context) error {
	groups := make(map[time.Duration][]int)
	for i, p := range w.d.cfg.Points {
		interval := p.Interval
		if w.d.cfg.Publishing > 0 {
			interval = w.d.cfg.Publishing
		}
		groups[interval] = append(groups[interval], i)
	}
	for interval, points := range groups {
		s := &subscription{interval: interval, points: points, heard: w.now()}
		count := uint32(max(30, lifetime/interval))
		sub, err := w.client.Subscribe(ctx, &opcua.SubscriptionParameters{
			Interval: interval, LifetimeCount: count, MaxKeepAliveCount: count / 3,
		}, w.notices)
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		s.sub = sub
		w.subs[sub.SubscriptionID] = s
		if s.beats, err = w.beat(ctx, s); err != nil {
			return err
		}
		if err := w.monitor(ctx, s, points); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) now() int64 { return w.d.cfg.Clock.Now().UnixNano() }

// beat watches the server's clock, where it lets us.
func (w *watch) beat(ctx context.Context, s *subscription) (bool, error) {
	item := item(ua.NewNumericNodeID(0, id.Server_ServerStatus_CurrentTime), heartbeat, s.interval)
	codes, err := create(ctx, s.sub, item)
	if err != nil {
		return false, fmt.Errorf("watch the server's clock: %w", err)
	}
	return codes[0] == ua.StatusOK, nil
}

func item(node *ua.NodeID, handle uint32, sampling time.Duration) *ua.MonitoredItemCreateRequest {
	r := opcua.NewMonitoredItemCreateRequestWithDefaults(node, ua.AttributeIDValue, handle)
	r.RequestedParameters.QueueSize = queueSize
	r.RequestedParameters.SamplingInterval = float64(sampling) / float64(time.Millisecond)
	return r
}

// create asks for monitored items and returns a status for each.
func create(ctx context.Context, s *opcua.Subscription, items ...*ua.MonitoredItemCreateRequest) ([]ua.StatusCode, error) {
	codes := make([]ua.StatusCode, len(items))
	err := guarded(func() error {
		res, err := s.Monitor(ctx, ua.TimestampsToReturnBoth, items...)
		if err != nil {
			return err
		}
		if len(res.Results) != len(items) {
			return fmt.Errorf("asked for %d items, got %d", len(items), len(res.Results))
		}
		for i, r := range res.Results {
			codes[i] = r.StatusCode
		}
		return nil
	})
	return codes, err
}

// monitor adds points to a subscription. The server answers for each; where it refuses a request as a whole, the
// request is halved until the points it stumbles over stand alone.
func (w *watch) monitor(ctx context.Context, s *subscription, points []int) error {
	for len(points) > monitorChunk {
		if err := w.monitor(ctx, s, points[:monitorChunk]); err != nil {
			return err
		}
		points = points[monitorChunk:]
	}
	if len(points) == 0 {
		return nil
	}
	items := make([]*ua.MonitoredItemCreateRequest, len(points))
	for n, i := range points {
		items[n] = item(w.d.nodes[i], uint32(i), min(w.d.cfg.Points[i].Interval, s.interval))
	}
	codes, err := create(ctx, s.sub, items...)
	switch {
	case err == nil:
		for n, i := range points {
			if codes[n] != ua.StatusOK {
				w.refuse(ctx, i, codes[n])
			}
		}
		return nil
	case !isRefusal(err) || ctx.Err() != nil:
		return fmt.Errorf("monitor %d nodes: %w", len(points), err)
	case len(points) == 1:
		w.refuse(ctx, points[0], ua.StatusBadConfigurationError)
		return nil
	}
	half := len(points) / 2
	if err := w.monitor(ctx, s, points[:half]); err != nil {
		return err
	}
	return w.monitor(ctx, s, points[half:])
}

// isRefusal says that the server answered with a status, over a connection that still stands.
func isRefusal(err error) bool {
	code, ok := errors.AsType[ua.StatusCode](err)
	return ok && quality(code) != twin.CommFailure && code != ua.StatusBadSubscriptionIDInvalid &&
		code != ua.StatusBadSessionIDInvalid && code != ua.StatusBadSessionClosed && code != ua.StatusBadSecureChannelClosed
}

// refuse gives a point its quality; the others go on.
func (w *watch) refuse(ctx context.Context, i int, code ua.StatusCode) {
	q := quality(code)
	if !q.IsBad() {
		q = twin.ConfigurationError
	}
	if !slices.Contains(w.refused, i) {
		w.refused = append(w.refused, i)
		w.d.cfg.Log.WarnContext(ctx, "opcua node refused", "node", w.d.cfg.Points[i].Node, "status", code.Error())
	}
	w.emit(w.d.silence([]int{i}, q))
}

// receive hands on what the subscriptions bring, until they bring nothing any more.
func (w *watch) receive(ctx context.Context, ended <-chan struct{}) error {
	shortest := silenceFloor
	for _, s := range w.subs {
		shortest = min(shortest, s.interval*silenceIntervals)
	}
	check := w.d.cfg.Clock.After(shortest)
	again := w.d.cfg.Clock.After(retryRefused)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return errors.New("the server closed the connection")
		case n := <-w.notices:
			if err := w.take(n); err != nil {
				return err
			}
		case <-check:
			check = w.d.cfg.Clock.After(shortest)
			if err := w.check(ctx); err != nil {
				return err
			}
		case <-again:
			again = w.d.cfg.Clock.After(retryRefused)
			if err := w.retry(ctx); err != nil {
				return err
			}
		}
	}
}

// check looks for a subscription that has fallen silent. One whose server keeps its clock to itself is asked.
func (w *watch) check(ctx context.Context) error {
	for _, s := range w.subs {
		limit := max(silenceFloor, silenceIntervals*s.sub.RevisedPublishingInterval)
		if w.now()-s.heard <= int64(limit) {
			continue
		}
		if s.beats {
			return fmt.Errorf("a subscription brought nothing for %v", limit)
		}
		ask, cancel := context.WithTimeout(ctx, w.d.cfg.Timeout)
		_, err := w.client.Node(ua.NewNumericNodeID(0, id.Server_ServerStatus_State)).Value(ask)
		cancel()
		if err != nil {
			return fmt.Errorf("ask for the server's state: %w", err)
		}
		s.heard = w.now()
	}
	return nil
}

// retry asks again for points that were refused; they may exist by now.
func (w *watch) retry(ctx context.Context) error {
	refused := w.refused
	for _, s := range w.subs {
		var points []int
		for _, i := range refused {
			if slices.Contains(s.points, i) {
				points = append(points, i)
			}
		}
		before := len(w.refused)
		w.refused = slices.DeleteFunc(slices.Clone(w.refused), func(i int) bool { return slices.Contains(points, i) })
		if err := w.monitor(ctx, s, points); err != nil {
			return err
		}
		if len(w.refused) != before {
			w.d.cfg.Log.InfoContext(ctx, "opcua nodes found", "count", before-len(w.refused))
		}
	}
	return nil
}
