package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// streamEvents names the data of every event for the description; each event carries one of them.
type streamEvents struct {
	Hello  *HelloEvent  `json:"hello,omitempty"`
	Twin   *TwinEvent   `json:"twin,omitempty"`
	Fleet  *Overview    `json:"fleet,omitempty"`
	Device *DeviceEvent `json:"device,omitempty"`
	Reset  *ResetEvent  `json:"reset,omitempty"`
}

type streamIn struct {
	Topic       []string `query:"topic,explode" required:"true" minItems:"1" maxItems:"100" doc:"twin:<asset id or path>, twin:<asset id or path>/**, twin:**, devices, fleet"`
	LastEventID string   `header:"Last-Event-ID" maxLength:"100" doc:"go on after this event"`
}

// topics is what a stream was asked to follow, as the grant allows it.
type topics struct {
	twins   []twinTopic
	devices bool
	fleet   bool
}

// twinTopic is a subtree, or with only set, the one asset at its root.
type twinTopic struct {
	root string // path; empty is everything
	only string // id
}

// stream answers with server-sent events until the client goes, the session ends, or the server stops.
func (p *plant) stream(_ context.Context, in *streamIn) (*rawOut, error) {
	t, err := p.topics(in.Topic)
	if err != nil {
		return nil, err
	}
	owner := strings.Join(slices.Concat([]string{p.grant.Subject().String()}, p.grant.Scopes(), in.Topic), "\n")
	return &rawOut{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		f, resumed, err := p.api.streams.take(p.tenant(), owner, in.LastEventID, p.now(), func() *feed { return p.newFeed(t) })
		if err != nil {
			p.api.writeProblem(w, p.api.problem(r.Context(), err))
			return
		}
		p.serve(w, r, f, t, in.LastEventID != "" && !resumed)
	}}, nil
}

// topics reads and checks the topics. Each needs what reading the same by itself needs.
func (p *plant) topics(names []string) (topics, error) {
	var t topics
	for _, name := range names {
		kind, what, _ := strings.Cut(name, ":")
		switch {
		case name == "fleet":
			t.fleet = true
		case name == "devices":
			if _, err := p.grant.Also(access.DevicesRead); err != nil {
				return t, err
			}
			t.devices = true
		case kind == "twin" && what == "**":
			for _, root := range p.grant.Scopes() {
				t.twins = append(t.twins, twinTopic{root: root})
			}
		case kind == "twin" && what != "":
			ref, below := strings.CutSuffix(what, "/**")
			a, err := p.asset(ref)
			if err != nil {
				return t, err
			}
			topic := twinTopic{root: a.Path}
			if !below {
				topic.only = a.ID
			}
			t.twins = append(t.twins, topic)
		default:
			return t, fault.Field("topic", name, "is no topic").WithHint("Use twin:<asset>, twin:<asset>/**, devices or fleet.")
		}
	}
	return t, nil
}

// serve writes events until one of the ends is reached, then parks the feed so that the client may go on.
func (p *plant) serve(w http.ResponseWriter, r *http.Request, f *feed, t topics, reset bool) {
	ctx, cancel := context.WithTimeout(r.Context(), p.grant.Subject().Expires.Sub(p.now()))
	defer cancel()
	stop := context.AfterFunc(p.api.live, cancel)
	defer stop()
	out := newEventWriter(w, p.api.pace.write)
	err := p.pump(ctx, out, f, t, reset)
	p.api.streams.park(f, p.now())
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		p.api.log.DebugContext(ctx, "stream ended", "request_id", meta(ctx).id, "err", err)
	}
}

// pump is the stream's loop. Sources hand over on channels and wait for it; it never waits for a slow reader
// longer than the writer's deadline.
func (p *plant) pump(ctx context.Context, out *eventWriter, f *feed, t topics, reset bool) error {
	if err := out.open(); err != nil {
		return err
	}
	if err := f.replay(out); err != nil {
		return err
	}
	if err := f.send(out, "hello", HelloEvent{ServerTime: p.now(), Version: p.api.Version}); err != nil {
		return err
	}
	if reset {
		if err := f.send(out, "reset", ResetEvent{}); err != nil {
			return err
		}
	}
	sources, wait := f.follow(ctx, p.api.pace)
	defer wait()
	comment := time.NewTicker(p.api.pace.comment)
	defer comment.Stop()
	fleet := time.NewTicker(p.api.pace.fleet)
	defer fleet.Stop()
	if !t.fleet {
		fleet.Stop()
	} else if err := p.sendFleet(out, f); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-sources:
			if !ok {
				return errors.New("a subscription ended")
			}
			err = f.send(out, e.name, p.visible(e.data))
		case <-fleet.C:
			err = p.sendFleet(out, f)
		case <-comment.C:
			if err = p.stillAllowed(ctx); err == nil {
				err = out.comment()
			}
		}
		if err != nil {
			return err
		}
	}
}

// stillAllowed ends a stream whose session ended or whose roles changed; the client may ask anew.
func (p *plant) stillAllowed(ctx context.Context) error {
	again, err := p.api.enter(ctx, p.grant.Permission())
	if err != nil {
		return err
	}
	if !slices.Equal(again.grant.Scopes(), p.grant.Scopes()) {
		return errors.New("the roles changed")
	}
	return nil
}

func (p *plant) sendFleet(out *eventWriter, f *feed) error {
	o, err := p.overviewNow()
	if err != nil {
		return err
	}
	return f.send(out, "fleet", o)
}

// visible leaves out the devices that the grant does not cover.
func (p *plant) visible(data any) any {
	e, ok := data.(DeviceEvent)
	if !ok || p.grant.Whole() {
		return data
	}
	seen := DeviceEvent{Items: []Device{}}
	for _, d := range e.Items {
		if p.covers(d) {
			seen.Items = append(seen.Items, d)
		}
	}
	return seen
}
