package link_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/link/linktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSession(t *testing.T) {
	linktest.Suite(t, func(cfg link.Config) (link.Session, error) { return link.New(cfg) })
}

func start(t *testing.T, url string, window int) *link.Client {
	t.Helper()
	c, err := link.New(link.Config{Broker: url, ClientID: "acme::gw-1", Window: window})
	if err != nil {
		t.Fatal(err)
	}
	linktest.Start(t, c)
	return c
}

// post publishes and returns where the answer will be.
func post(t *testing.T, c *link.Client, body string) <-chan error {
	t.Helper()
	acked := make(chan error, 2)
	if err := c.Publish(t.Context(), link.Message{Topic: "acme/P-1/telemetry", Payload: []byte(body)}, func(err error) { acked <- err }); err != nil {
		t.Fatal(err)
	}
	return acked
}

func silent(t *testing.T, acked <-chan error) {
	t.Helper()
	select {
	case err := <-acked:
		t.Fatalf("answered already: %v", err)
	default:
	}
}

func TestABrokerThatDropsTheConnectionAcknowledgesNothing(t *testing.T) {
	broker := linktest.StartScripted(t)
	c := start(t, broker.URL(), 10)
	peer := broker.Accept(packets.Accepted)
	first, second := post(t, c, "one"), post(t, c, "two")
	if got := peer.Publish(); string(got.Payload) != "one" {
		t.Fatalf("got %q", got.Payload)
	}
	two := peer.Publish()
	peer.Ack(two.MessageID)
	if err := <-second; err != nil {
		t.Fatalf("the PUBACK of the second was not taken: %v", err)
	}
	silent(t, first)
	peer.Drop()
	if err := <-first; err == nil {
		t.Fatal("acknowledged without a PUBACK")
	}
	// Nothing is sent again by itself: whoever publishes decides.
	again := broker.Accept(packets.Accepted)
	third := post(t, c, "three")
	pub := again.Publish()
	if string(pub.Payload) != "three" || pub.Dup {
		t.Fatalf("the new connection carries %q, dup %v", pub.Payload, pub.Dup)
	}
	// A PUBACK for a packet of the old connection is worth nothing on the new one.
	again.Ack(pub.MessageID + 1)
	again.Ack(pub.MessageID)
	if err := <-third; err != nil {
		t.Fatal(err)
	}
	silent(t, first)
}

func TestAcknowledgementsOutOfOrderAndLateFindTheirPublish(t *testing.T) {
	broker := linktest.StartScripted(t)
	c := start(t, broker.URL(), 10)
	peer := broker.Accept(packets.Accepted)
	var acks []<-chan error
	var ids []uint16
	for _, body := range []string{"a", "b", "c"} {
		acks = append(acks, post(t, c, body))
		ids = append(ids, peer.Publish().MessageID)
	}
	for _, i := range []int{2, 0} {
		peer.Ack(ids[i])
		if err := <-acks[i]; err != nil {
			t.Fatal(err)
		}
	}
	silent(t, acks[1])
	peer.Ack(ids[0]) // twice: means nothing
	peer.Ack(ids[1])
	if err := <-acks[1]; err != nil {
		t.Fatal(err)
	}
	silent(t, acks[0])
}

func TestTheWindowHoldsPublishersBack(t *testing.T) {
	broker := linktest.StartScripted(t)
	c := start(t, broker.URL(), 2)
	peer := broker.Accept(packets.Accepted)
	post(t, c, "a")
	post(t, c, "b")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := c.Publish(ctx, link.Message{Topic: "t"}, func(error) { t.Error("acked something that was not sent") })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("third publish: %v", err)
	}
	peer.Ack(peer.Publish().MessageID)
	post(t, c, "c")
	peer.Publish()
	if got := peer.Publish(); !bytes.Equal(got.Payload, []byte("c")) {
		t.Fatalf("got %q", got.Payload)
	}
}

func TestAHalfOpenConnectionIsNoticed(t *testing.T) {
	broker := linktest.StartScripted(t)
	c, err := link.New(link.Config{Broker: broker.URL(), ClientID: "acme::gw-1", KeepAlive: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	linktest.Start(t, c)
	broker.Accept(packets.Accepted) // and never says anything again
	acked := post(t, c, "one")
	if err := <-acked; err == nil {
		t.Fatal("acknowledged by silence")
	}
	broker.Accept(packets.Accepted)
}

func TestAWrongPasswordIsTriedAgainAndABadClientIDIsNot(t *testing.T) {
	broker := linktest.StartScripted(t)
	c, err := link.New(link.Config{Broker: broker.URL(), ClientID: "acme::gw-1", Password: "stale"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(t.Context()) }()
	broker.Accept(packets.ErrRefusedBadUsernameOrPassword)
	broker.Accept(packets.ErrRefusedIDRejected)
	if err := <-ended; !fault.Is(err, fault.Denied) {
		t.Fatalf("got %v", err)
	}
}

func TestABrokerURLThatIsNone(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:1883", "http://127.0.0.1:80", "tcp://127.0.0.1"} {
		if _, err := link.New(link.Config{Broker: url, ClientID: "acme::gw-1"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestBackoffHasFullJitter(t *testing.T) {
	for n, top := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		if got := link.Backoff(n, 0.999999); got > top*time.Second || got < top*time.Second*9/10 {
			t.Errorf("attempt %d: at most %v, got %v", n, top*time.Second, got)
		}
		if got := link.Backoff(n, 0); got != 0 {
			t.Errorf("attempt %d: at least nothing, got %v", n, got)
		}
	}
}
