package opcua

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/twin/fault"
)

const goodbye = 2 * time.Second

// session connects, subscribes and receives until something goes wrong or ctx ends.
func (d *Driver) session(ctx context.Context, emit func([]driver.Reading)) error {
	ended := make(chan struct{}, 1)
	client, err := d.connect(ctx, func(s opcua.ConnState) {
		if s == opcua.Disconnected || s == opcua.Closed {
			select {
			case ended <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		return err
	}
	notices := make(chan *opcua.PublishNotificationData, 64)
	defer func() {
		// The library blocks on a channel nobody reads, and would never close.
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
			defer cancel()
			_ = client.Close(bye)
		}()
		for {
			select {
			case <-notices:
			case <-closed:
				return
			}
		}
	}()
	w := newWatch(d, client, notices, emit)
	if err := w.subscribe(ctx); err != nil {
		return err
	}
	d.cfg.Log.InfoContext(ctx, "opcua session up", "nodes", len(d.nodes), "refused", len(w.refused))
	return w.receive(ctx, ended)
}

// connect opens a session with a server whose certificate we trust.
func (d *Driver) connect(ctx context.Context, state func(opcua.ConnState)) (*opcua.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*d.cfg.Timeout)
	defer cancel()
	endpoints, err := opcua.GetEndpoints(ctx, d.cfg.Endpoint, opcua.DialTimeout(d.cfg.Timeout), opcua.RequestTimeout(d.cfg.Timeout))
	if err != nil {
		return nil, fmt.Errorf("ask for endpoints: %w", err)
	}
	ep, err := d.choose(endpoints)
	if err != nil {
		return nil, err
	}
	opts := []opcua.Option{
		opcua.AutoReconnect(false), opcua.DialTimeout(d.cfg.Timeout), opcua.RequestTimeout(d.cfg.Timeout),
		opcua.StateChangedFunc(state), opcua.SessionTimeout(time.Minute), opcua.ApplicationName("Lineshaft gateway"),
	}
	if d.cfg.Secure {
		uri := ""
		if ep.Server != nil {
			uri = ep.Server.ApplicationURI
		}
		if err := d.cfg.Trust.Check(ep.ServerCertificate, uri, d.cfg.Clock.Now()); err != nil {
			return nil, err
		}
		opts = append(opts, opcua.Certificate(d.cfg.Identity.cert), opcua.PrivateKey(d.cfg.Identity.key), opcua.ApplicationURI(d.cfg.Identity.uri))
	}
	token := ua.UserTokenTypeAnonymous
	if d.cfg.User != "" {
		token = ua.UserTokenTypeUserName
		opts = append(opts, opcua.AuthUsername(d.cfg.User, d.cfg.Password))
	}
	opts = append(opts, opcua.SecurityFromEndpoint(ep, token))
	client, err := opcua.NewClient(d.cfg.Endpoint, opts...)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	if err := guarded(func() error { return client.Connect(ctx) }); err != nil {
		_ = client.Close(ctx)
		if errors.Is(err, ua.StatusBadUserAccessDenied) || errors.Is(err, ua.StatusBadIdentityTokenRejected) {
			return nil, &fault.Error{Kind: fault.Denied, Message: "the server refuses user " + d.cfg.User, Err: err, Hint: "check user and password_file"}
		}
		return nil, fmt.Errorf("open session: %w", err)
	}
	return client, nil
}

// guarded turns a panic of the library into an error: it trips over servers that answer unlike the standard says, and
// one bad server must not take the gateway with it.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the server's answer cannot be understood: %v", p)
		}
	}()
	return f()
}

// choose takes the endpoint with the security asked for, and no other.
func (d *Driver) choose(endpoints []*ua.EndpointDescription) (*ua.EndpointDescription, error) {
	policy, mode := ua.SecurityPolicyURINone, ua.MessageSecurityModeNone
	if d.cfg.Secure {
		policy, mode = ua.SecurityPolicyURIBasic256Sha256, ua.MessageSecurityModeSignAndEncrypt
	}
	for _, ep := range endpoints {
		if ep.SecurityPolicyURI == policy && ep.SecurityMode == mode {
			return ep, nil
		}
	}
	return nil, fault.New(fault.Denied, "the server offers no endpoint with %s", mode).
		WithHint("switch Basic256Sha256 with SignAndEncrypt on at the server, or say security: none for this source")
}
