package link

import (
	"errors"
	"fmt"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// readLoop takes what the broker says until it says nothing for one and a half keep-alives.
func (cn *conn) readLoop(c *Client) error {
	var leaving bool
	for {
		if cn.r.Buffered() == 0 && !leaving {
			// A deadline set by the farewell is in the near future and must not be pushed out again; checking
			// after setting closes the race.
			_ = cn.nc.SetReadDeadline(time.Now().Add(cn.keep + cn.keep/2))
			select {
			case <-cn.leaving:
				leaving = true
				_ = cn.nc.SetReadDeadline(time.Now().Add(farewell))
			default:
			}
		}
		p, err := cn.read()
		if err != nil {
			_ = cn.nc.Close()
			return fmt.Errorf("read from broker: %w", err)
		}
		if err := cn.take(c, p); err != nil {
			_ = cn.nc.Close()
			return err
		}
	}
}

func (cn *conn) take(c *Client, p packets.ControlPacket) error {
	switch p := p.(type) {
	case *packets.PubackPacket:
		cn.settle(p.MessageID)
	case *packets.PublishPacket:
		if p.Qos == 2 {
			return errors.New("read from broker: PUBLISH at QoS 2, which was not asked for")
		}
		c.deliver(Message{Topic: p.TopicName, Payload: p.Payload, Retained: p.Retain})
		if p.Qos == 1 {
			ack := &packets.PubackPacket{FixedHeader: packets.FixedHeader{MessageType: packets.Puback}, MessageID: p.MessageID}
			cn.write(ack)
		}
	case *packets.SubackPacket:
		for _, code := range p.ReturnCodes {
			if code > 2 {
				cn.log.Warn("subscription refused by the broker", "code", int(code))
			}
		}
		cn.settle(p.MessageID)
	case *packets.PingrespPacket:
	default:
		return fmt.Errorf("read from broker: unexpected %s", p)
	}
	return nil
}

// settle answers the publish or subscribe with packet id; an id nobody waits for is the broker's mistake and means
// nothing here.
func (cn *conn) settle(id uint16) {
	cn.mu.Lock()
	w, ok := cn.pending[id]
	delete(cn.pending, id)
	cn.mu.Unlock()
	if !ok {
		cn.log.Warn("acknowledgement of a packet that was not sent", "packet_id", int(id))
		return
	}
	if w.slot {
		<-cn.slots
	}
	w.acked(nil)
}

// read takes one packet of a sane size.
func (cn *conn) read() (packets.ControlPacket, error) {
	n, shift := 0, 0
	for i := 1; ; i++ {
		head, err := cn.r.Peek(i + 1)
		if err != nil {
			return nil, err
		}
		n |= int(head[i]&0x7f) << shift
		shift += 7
		if head[i]&0x80 == 0 {
			break
		}
		if i == 4 {
			return nil, errors.New("malformed packet length")
		}
	}
	if n > maxIncoming {
		return nil, fmt.Errorf("packet of %d bytes", n)
	}
	p, err := packets.ReadPacket(cn.r)
	if err != nil {
		return nil, err
	}
	return p, nil
}
