package opcua

import (
	"fmt"

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
			beat = sample(m.Value, w.now()).T
		case int(m.ClientHandle) < len(w.last):
			r := driver.Reading{Point: int(m.ClientHandle), Sample: sample(m.Value, w.now())}
			r.T = max(r.T, w.last[r.Point].T) // a value given for a second time keeps its place behind the first
			w.last[r.Point] = r.Sample
			out = append(out, r)
		}
	}
	w.d.Count(len(out), false)
	if beat != 0 {
		out = w.held(s, beat, out)
	}
	if len(out) > 0 {
		w.emit(out)
	}
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
		out = append(out, driver.Reading{Point: i, Sample: last})
	}
	return out
}
