package broker

import (
	"bufio"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// mosquitto runs one of the Debian package's clients as a device.
func mosquitto(t *testing.T, x *bench, program, device string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed: apt-get install mosquitto-clients", program)
	}
	host, port, _ := strings.Cut(x.Addr(), ":")
	id := "acme::" + device
	return exec.CommandContext(t.Context(), path,
		append([]string{"-h", host, "-p", port, "-i", id, "-u", id, "-P", password}, args...)...)
}

func TestMosquittoPublishesAtEveryQoS(t *testing.T) {
	x := start(t, Config{})
	for i, qos := range []string{"0", "1", "2"} {
		for _, version := range []string{"mqttv311", "mqttv5"} {
			out, err := mosquitto(t, x, "mosquitto_pub", "M-100", "-V", version, "-q", qos, "-t", meter1+"telemetry", "-m", "q"+qos).CombinedOutput()
			if err != nil {
				t.Fatalf("QoS %s: %v %s", qos, err, out)
			}
		}
		x.shelf.until(t, "both", func(ps []wire.Publish) bool { return len(ps) == 2*(i+1) && string(ps[2*i+1].Payload) == "q"+qos })
	}
}

func TestMosquittoSendsAFile(t *testing.T) {
	x := start(t, Config{})
	cmd := mosquitto(t, x, "mosquitto_pub", "M-100", "-q", "1", "-l", "-t", meter1+"telemetry")
	var lines strings.Builder
	for range 2000 {
		lines.WriteString("{\"v\":1}\n")
	}
	cmd.Stdin = strings.NewReader(lines.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	x.shelf.until(t, "all lines", func(ps []wire.Publish) bool { return len(ps) == 2000 })
}

// A device that publishes where it may not gets its acknowledgement and ends without an error.
func TestMosquittoIsRefusedWithoutBeingStuck(t *testing.T) {
	x := start(t, Config{})
	for _, topic := range []string{pump1 + "telemetry", meter1 + "config/desired", "globex/north/_/_/meter/X-1/telemetry"} {
		if out, err := mosquitto(t, x, "mosquitto_pub", "M-100", "-q", "1", "-t", topic, "-m", "{}").CombinedOutput(); err != nil {
			t.Errorf("on %s: %v %s", topic, err, out)
		}
		if r := x.refusals.next(t); r.r.Reason != wire.ReasonDirection {
			t.Errorf("on %s: %v", topic, r.r)
		}
	}
	if out, err := mosquitto(t, x, "mosquitto_pub", "M-100", "-P", "guess", "-t", meter1+"telemetry", "-m", "{}").CombinedOutput(); err == nil {
		t.Errorf("a wrong password was let in: %s", out)
	}
}

func TestMosquittoHearsItsCommands(t *testing.T) {
	x := start(t, Config{})
	cmd := mosquitto(t, x, "mosquitto_sub", "M-100", "-q", "1", "-C", "1", "-t", meter1+"commands/+", "-F", "%t %p",
		"--will-topic", meter1+"status", "--will-payload", "gone", "--will-qos", "1", "--will-retain")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer guard.Stop()
	for {
		err := x.Send(t.Context(), meter1+"commands/"+command, []byte("start"))
		if !errors.Is(err, ErrOffline) {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
	heard := false
	for sc := bufio.NewScanner(out); sc.Scan(); {
		heard = heard || sc.Text() == meter1+"commands/"+command+" start"
	}
	if err := cmd.Wait(); err != nil || !heard {
		t.Errorf("the command was not heard: %v", err)
	}
}
