package opcua

import (
	"fmt"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/twin"
)

// take hands on one notification.
func (w *watch) take(n *opcua.PublishNotificationData) error {
	if n.Error != nil {
		return fmt.Errorf("subscription: %w", n.Error)
	}
	s, ok := w.subs[n.SubscriptionID]
	if !ok {
		return nil
	}
	s.heard = w.now()
	switch v := n.Value.(type) {
	case *ua.DataChangeNotification:
		w.changes(s, v)
	case *ua.StatusChangeNotification:
		return fmt.Errorf("the server ended a subscription: %w", v.Status)
	}
	return nil
}

func (w *watch) changes(s *subscription, n *ua.DataChangeNotification) {
	out := make([]driver.Reading, 0, len(n.MonitoredItems))
	beat := int64(0)
	for _, m := range n.MonitoredItems {
		switch {
		case m == nil:
		case m.ClientHandle == heartbeat:
			beat = clockOf(m.Value)
		case int(m.ClientHandle) < len(w.last):
			r := driver.Reading{Point: int(m.ClientHandle), Sample: sample(m.Value, w.now())}
			r.T = w.inOrder(s, r.Point, r.T)
			w.last[r.Point] = r.Sample
			w.d.newest[r.Point] = r.T
			out = append(out, r)
		}
	}
	w.d.Count(len(out), false)
	if beat != 0 {
		w.d.skew.Store(beat - w.now())
		out = w.held(s, beat, out)
	}
	if len(out) > 0 {
		w.emit(out)
	}
}

// inOrder is the time of a reading: its source's, but not before what was handed on already. The first value of a
// session may be old news, and yet it ends the silence that was reported since; later ones may be a little older than
// a repetition. A source whose clock was set back is believed.
func (w *watch) inOrder(s *subscription, point int, t int64) int64 {
	newest := w.d.newest[point]
	first := w.last[point].T == 0
	if t < newest && (first || newest-t <= 2*int64(max(s.interval, w.d.cfg.Points[point].Interval))) {
		return newest
	}
	return t
}

// clockOf is the server's clock, 0 where it does not say.
func clockOf(dv *ua.DataValue) int64 {
	if dv == nil || dv.Value == nil {
		return 0
	}
	if at, ok := dv.Value.Value().(time.Time); ok {
		return at.UnixNano()
	}
	return 0
}

// held repeats the values that did not change: a server says nothing of them, and its clock's tick says that it
// would have. The time is the tick's, one interval back, so that a change on its way is never older.
func (w *watch) held(s *subscription, beat int64, out []driver.Reading) []driver.Reading {
	for _, i := range s.points {
		interval := max(w.d.cfg.Points[i].Interval, s.interval)
		t := beat - int64(interval)
		last := w.last[i]
		if last.T == 0 || t-last.T < int64(interval) || last.V.Kind() == twin.None {
			continue
		}
		last.T = t
		w.last[i] = last
		w.d.newest[i] = t
		out = append(out, driver.Reading{Point: i, Sample: last})
	}
	return out
}
