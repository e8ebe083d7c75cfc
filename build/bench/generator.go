package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// generatorWord starts this program as the generator, in a process of its own so that its CPU is not counted.
const generatorWord = "generate"

// work is what the generator is told on standard input.
type work struct {
	Broker   string
	Messages int // per device
	Window   int
	Devices  []struct{ ID, User, Password, Topic string }
}

// generate publishes the work and returns an exit code: 0 once every message has its PUBACK.
func generate([]string) int {
	var w work
	if err := json.NewDecoder(os.Stdin).Decode(&w); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	errs := make([]error, len(w.Devices))
	var wg sync.WaitGroup
	for i := range w.Devices {
		wg.Go(func() { errs[i] = w.device(i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// device publishes six tags a message, with Window messages unacknowledged at most.
func (w work) device(i int) error {
	d := w.Devices[i]
	conn, err := net.DialTimeout("tcp", w.Broker, 5*time.Second) //nolint:noctx // a process that ends with its work
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	if err := login(conn, r, d.User, d.Password); err != nil {
		return err
	}
	free := make(chan struct{}, w.Window)
	acked := make(chan error, 1)
	go func() { acked <- w.acks(r, free) }()
	out := bufio.NewWriterSize(conn, 64<<10)
	begin := time.Now().Add(-time.Duration(w.Messages) * time.Second).UnixMilli()
	var payload []byte
	for n := range w.Messages {
		select {
		case free <- struct{}{}:
		default:
			if err := out.Flush(); err != nil {
				return err
			}
			free <- struct{}{}
		}
		payload = appendMessage(payload[:0], d.ID, begin+int64(n)*1000, n)
		if err := publish(out, d.Topic, uint16(n%60_000+1), payload); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return <-acked
}

// acks takes a PUBACK for every message.
func (w work) acks(r *bufio.Reader, free <-chan struct{}) error {
	var p [4]byte
	for range w.Messages {
		if _, err := io.ReadFull(r, p[:]); err != nil {
			return err
		}
		if p[0] != 0x40 {
			return fmt.Errorf("packet %x in place of a PUBACK", p)
		}
		<-free
	}
	return nil
}

func login(conn net.Conn, r *bufio.Reader, user, password string) error {
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 60}, word(user)...)
	body = append(body, word(user)...)
	body = append(body, word(password)...)
	if _, err := conn.Write(append([]byte{0x10, byte(len(body)&0x7F | 0x80), byte(len(body) >> 7)}, body...)); err != nil {
		return err
	}
	var ack [4]byte
	if _, err := io.ReadFull(r, ack[:]); err != nil || ack[3] != 0 {
		return fmt.Errorf("connect as %s: answer %x %w", user, ack, err)
	}
	return nil
}

func publish(w *bufio.Writer, topic string, id uint16, payload []byte) error {
	n := 2 + len(topic) + 2 + len(payload)
	head := []byte{0x32, byte(n&0x7F | 0x80), byte(n >> 7)}
	head = append(head, word(topic)...)
	head = binary.BigEndian.AppendUint16(head, id)
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

func word(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

// benchTags are tags of a centrifugal pump.
var benchTags = []string{"flow_m3h", "pressure_in_bar", "pressure_out_bar", "temp_inlet_c", "motor_current_a", "vibration_rms"}

// appendMessage walks the tags with two decimals.
func appendMessage(b []byte, device string, ts int64, n int) []byte {
	b = fmt.Appendf(b, `{"schema_version":"2.1","msg_id":"01KDVDNA00%016X","device_id":%q,"ts":%d,"epoch":"01KDVDNA00RD908FMZFACEX6AN","seq":%d,"d":{`, n, device, ts, n+1)
	for i, tag := range benchTags {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `%q:{"v":%d.%02d,"q":192}`, tag, 40+i*10+(n/7+i)%9, (n*37+i*11)%100)
	}
	return append(b, "}}"...)
}
