package plc

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
)

// client connects as user with password to the server's one endpoint; without a user it tries anonymously.
func client(t *testing.T, s *Server, user, password string) (*opcua.Client, error) {
	t.Helper()
	own, err := LoadIdentity(t.TempDir(), "client", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(own.Certificate, own.Key)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := pair.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("the client's key is not RSA")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	eps, err := opcua.GetEndpoints(ctx, s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	for _, ep := range eps {
		if ep.SecurityPolicyURI != ua.SecurityPolicyURIBasic256Sha256 || ep.SecurityMode != ua.MessageSecurityModeSignAndEncrypt {
			t.Fatalf("the server offers %s %s", ep.SecurityPolicyURI, ep.SecurityMode)
		}
	}
	token, auth := ua.UserTokenTypeAnonymous, opcua.AuthAnonymous()
	if user != "" {
		token, auth = ua.UserTokenTypeUserName, opcua.AuthUsername(user, password)
	}
	c, err := opcua.NewClient(s.Endpoint(), opcua.SecurityFromEndpoint(eps[0], token), auth, opcua.Certificate(pair.Certificate[0]),
		opcua.PrivateKey(key), opcua.ApplicationURI(own.URI), opcua.AutoReconnect(false))
	if err != nil {
		return nil, err
	}
	if err := c.Connect(ctx); err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return c, nil
}

// TestAnOPCUAController tells its stories on one server: reading the standard's own address space is what takes time.
func TestAnOPCUAController(t *testing.T) {
	m := station()
	w := world(t, m)
	s := open(t, exchange.PLC{Name: "plc-ua", Protocol: "opcua", Devices: []string{"P-1", "V-1"}}, m, w)
	for name, story := range map[string]func(*testing.T, *Server, *plant.World){
		"a client reads the plant": readsThePlant, "the devices are folders a client can browse": browsesTheDevices,
		"who may not come in": refusesStrangers, "quality becomes the status code": mapsQuality,
		"an operator writes setpoints and nothing else":                     takesSetpoints,
		"a subscription sees the value move and the deadband holds it back": notifies,
		"it listens on loopback only":                                       listensOnLoopback,
	} {
		t.Run(name, func(t *testing.T) { story(t, s, w) })
	}
}

func read(t *testing.T, c *opcua.Client, node string, attribute ua.AttributeID) *ua.DataValue {
	t.Helper()
	nid, err := ua.ParseNodeID(node)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Read(t.Context(), &ua.ReadRequest{
		TimestampsToReturn: ua.TimestampsToReturnBoth,
		NodesToRead:        []*ua.ReadValueID{{NodeID: nid, AttributeID: attribute}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Results[0]
}

func readsThePlant(t *testing.T, s *Server, w *plant.World) {
	c, err := client(t, s, "gateway", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	flow := find(t, s, "P-1", "flow")
	got, want := read(t, c, flow.Node, ua.AttributeIDValue), w.Sample(flow.Ref)
	if got.Status != ua.StatusOK || got.Value.Float() != want.V.Float() {
		t.Errorf("flow reads %v %v, the pump delivers %v", got.Value.Value(), got.Status, want.V)
	}
	if !got.SourceTimestamp.Equal(time.Unix(0, want.T)) {
		t.Errorf("its source time is %v, the plant's is %v", got.SourceTimestamp, time.Unix(0, want.T).UTC())
	}
	for node, wants := range map[string]any{
		"ns=2;s=P-1.state": int32(1), "ns=2;s=P-1.running": true, "ns=2;s=P-1.serial": "",
		"ns=2;s=P-1.starts": w.Sample(find(t, s, "P-1", "starts").Ref).V.Int(),
	} {
		if v := read(t, c, node, ua.AttributeIDValue); v.Value.Value() != wants {
			t.Errorf("%s is %v (%T), want %v", node, v.Value.Value(), v.Value.Value(), wants)
		}
	}
	eu, ok := read(t, c, flow.Node+".EURange", ua.AttributeIDValue).Value.Value().(*ua.ExtensionObject)
	if !ok {
		t.Fatal("EURange is no structure")
	}
	if r, ok := eu.Value.(*ua.Range); !ok || r.Low != 0 || r.High != 400 {
		t.Errorf("EURange is %+v, want 0 to 400", eu.Value)
	}
}

func browsesTheDevices(t *testing.T, s *Server, _ *plant.World) {
	c, err := client(t, s, "gateway", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	refs, err := c.Node(ua.NewStringNodeID(2, "P-1")).ReferencedNodes(t.Context(), id.HasComponent, ua.BrowseDirectionForward, ua.NodeClassVariable, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(refs) != 10 {
		t.Errorf("P-1 has %d variables, want its 10 tags", len(refs))
	}
}

func refusesStrangers(t *testing.T, s *Server, _ *plant.World) {
	for _, tc := range []struct{ name, user, password string }{
		{"a wrong password", "gateway", "guess"}, {"a wrong user", "admin", "correct horse"}, {"an empty password", "gateway", ""}, {"nobody", "", ""},
	} {
		if _, err := client(t, s, tc.user, tc.password); err == nil {
			t.Errorf("%s opened a session", tc.name)
		}
	}
	if _, err := client(t, s, "gateway", "correct horse"); err != nil {
		t.Errorf("after the refusals the right password is refused too: %v", err)
	}
}

func TestThereIsNoDefaultLogin(t *testing.T) {
	m := station()
	_, err := Open(exchange.PLC{Name: "plc-ua", Protocol: "opcua", Devices: []string{"P-1"}}, m, world(t, m), Config{Dir: t.TempDir()})
	if err == nil {
		t.Fatal("a server without a password opened")
	}
}

func mapsQuality(t *testing.T, s *Server, w *plant.World) {
	c, err := client(t, s, "gateway", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	flow := find(t, s, "P-1", "flow")
	for q, want := range map[twin.Quality]ua.StatusCode{
		twin.SensorNotAccurate: ua.StatusUncertainSensorNotAccurate, twin.SensorFailure: ua.StatusBadSensorFailure,
		twin.CommFailure: ua.StatusBadNoCommunication, twin.OutOfService: ua.StatusBadOutOfService, 70: 0x40000000, 1: 0x80000000,
	} {
		w.SetQuality(flow.Ref, q)
		w.Step(250 * time.Millisecond)
		if got := read(t, c, flow.Node, ua.AttributeIDValue).Status; got != want {
			t.Errorf("quality %d reads as %v, want %v", q, got, want)
		}
	}
	w.SetQuality(flow.Ref, twin.Good)
	w.Step(250 * time.Millisecond)
}

func takesSetpoints(t *testing.T, s *Server, w *plant.World) {
	c, err := client(t, s, "gateway", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	write := func(node string, v any) ua.StatusCode {
		nid, err := ua.ParseNodeID(node)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Write(t.Context(), &ua.WriteRequest{NodesToWrite: []*ua.WriteValue{{
			NodeID: nid, AttributeID: ua.AttributeIDValue, Value: &ua.DataValue{EncodingMask: ua.DataValueValue, Value: ua.MustVariant(v)},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Results[0]
	}
	for _, tc := range []struct {
		node string
		v    any
		want ua.StatusCode
	}{
		{"ns=2;s=P-1.pressure_sp", 5.5, ua.StatusOK},
		{"ns=2;s=P-1.run", true, ua.StatusOK},
		{"ns=2;s=P-1.pressure_sp", 50.0, ua.StatusBadOutOfRange},
		{"ns=2;s=P-1.pressure_sp", "much", ua.StatusBadTypeMismatch},
		{"ns=2;s=P-1.flow", 1.0, ua.StatusBadNotWritable},
		{"ns=2;s=P-1.nothing", 1.0, ua.StatusBadNodeIDUnknown},
	} {
		if got := write(tc.node, tc.v); got != tc.want {
			t.Errorf("writing %v to %s gives %v, want %v", tc.v, tc.node, got, tc.want)
		}
	}
	sp, run := find(t, s, "P-1", "pressure_sp"), find(t, s, "P-1", "run")
	if v := w.Sample(sp.Ref).V.Float(); v != 5.5 {
		t.Errorf("the setpoint is %v after writing 5.5", v)
	}
	if !w.Sample(run.Ref).V.Bool() {
		t.Error("the pump was not told to run")
	}
}

// notifications collects data changes of one item: n, and those of the while after the last of them.
func notifications(t *testing.T, c *opcua.Client, item *ua.MonitoredItemCreateRequest, w *plant.World, n int, after time.Duration) []*ua.DataValue {
	t.Helper()
	ch := make(chan *opcua.PublishNotificationData, 64)
	sub, err := c.Subscribe(t.Context(), &opcua.SubscriptionParameters{Interval: 100 * time.Millisecond}, ch)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Cancel(context.WithoutCancel(t.Context()))
	res, err := sub.Monitor(t.Context(), ua.TimestampsToReturnBoth, item)
	if err != nil || res.Results[0].StatusCode != ua.StatusOK {
		t.Fatalf("monitor: %v %v", err, res)
	}
	var out []*ua.DataValue
	step := time.NewTicker(50 * time.Millisecond)
	defer step.Stop()
	end := time.After(20 * time.Second)
	for {
		select {
		case <-step.C:
			w.Step(50 * time.Millisecond)
		case <-end:
			return out
		case msg := <-ch:
			if msg.Error != nil {
				t.Fatal(msg.Error)
			}
			if d, ok := msg.Value.(*ua.DataChangeNotification); ok {
				for _, m := range d.MonitoredItems {
					if out = append(out, m.Value); len(out) == n {
						end = time.After(after)
					}
				}
			}
		}
	}
}

func notifies(t *testing.T, s *Server, w *plant.World) {
	c, err := client(t, s, "gateway", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	nid, err := ua.ParseNodeID(find(t, s, "P-1", "flow").Node)
	if err != nil {
		t.Fatal(err)
	}
	item := opcua.NewMonitoredItemCreateRequestWithDefaults(nid, ua.AttributeIDValue, 1)
	item.RequestedParameters.SamplingInterval = 100
	moves := notifications(t, c, item, w, 5, 0)
	if len(moves) < 5 {
		t.Fatalf("%d changes in twenty seconds, want 5", len(moves))
	}
	for i := 1; i < len(moves); i++ {
		if !moves[i].SourceTimestamp.After(moves[i-1].SourceTimestamp) {
			t.Errorf("change %d has source time %v after %v", i, moves[i].SourceTimestamp, moves[i-1].SourceTimestamp)
		}
	}
	item.RequestedParameters.Filter = ua.NewExtensionObject(&ua.DataChangeFilter{
		Trigger: ua.DataChangeTriggerStatusValue, DeadbandType: uint32(ua.DeadbandTypeAbsolute), DeadbandValue: 100,
	})
	if held := notifications(t, c, item, w, 1, 1500*time.Millisecond); len(held) != 1 {
		t.Errorf("%d changes with a deadband of 100 m3/h, want only the first", len(held))
	}
}

func TestTheCertificateIsKeptAndNamesTheApplication(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadIdentity(dir, "plc-ua", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := readCertificate(first.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if len(cert.URIs) != 1 || cert.URIs[0].String() != first.URI {
		t.Errorf("the certificate names %v, the application is %s", cert.URIs, first.URI)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() != 2048 {
		t.Errorf("the key is %T", cert.PublicKey)
	}
	again, err := LoadIdentity(dir, "plc-ua", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := readCertificate(again.Certificate)
	if err != nil || !kept.Equal(cert) {
		t.Errorf("the second start has another certificate (%v)", errors.Join(err))
	}
	late, err := LoadIdentity(dir, "plc-ua", cert.NotAfter.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if renewed, err := readCertificate(late.Certificate); err != nil || renewed.Equal(cert) {
		t.Errorf("an expired certificate is used again (%v)", err)
	}
}

func TestAKeyTheLibraryCannotUseIsNotTaken(t *testing.T) {
	key, err := makeKey()
	if err != nil {
		t.Fatal(err)
	}
	if !usable(key) {
		t.Error("a key was made that is not usable")
	}
	short := *key
	short.D = new(big.Int).Rsh(key.D, 8)
	if usable(&short) {
		t.Error("a private exponent a byte short passes")
	}
}
