package store_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/lineshaft/lineshaft/backend/store"
)

// crashDir makes the test binary a writer that only kill ends.
const crashDir = "LINESHAFT_STORE_CRASH_DIR"

// Every round writes a pair in two places, and every 20th so much that it does not fit one transaction; the number of
// the round is printed once the write has returned.
func writeForever(dir string) {
	s, err := store.Open(dir, quiet())
	if err != nil {
		fmt.Println("error", err)
		return
	}
	sp := s.Space("crash")
	for round := uint64(1); ; round++ {
		v := binary.BigEndian.AppendUint64(nil, round)
		puts := []store.Pair{{Key: []byte("left"), Value: v}}
		if round%20 == 0 {
			for i := range 3000 {
				puts = append(puts, store.Pair{Key: fmt.Appendf(nil, "bulk/%04d", i), Value: bytes.Repeat(v, 128)})
			}
		}
		puts = append(puts, store.Pair{Key: []byte("right"), Value: v})
		if err := sp.Write(context.Background(), puts); err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println(round)
	}
}

func TestKilledWritersLoseNothingAcknowledgedAndTearNothing(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []int{1, 19, 20, 33, 59, 60} { // acknowledgements to wait for; 19 and 59 are followed by a large write
		last := killAfter(t, self, dir, after)
		s := open(t, dir)
		left, right, bulk := read(t, s, "left"), read(t, s, "right"), read(t, s, "bulk/0000")
		if left != right {
			t.Errorf("killed after %d: left is of round %d, right of round %d: a write was torn", after, left, right)
		}
		if left < last {
			t.Errorf("killed after %d: round %d was acknowledged, the store holds round %d", after, last, left)
		}
		if err := s.Space("crash").Scan([]byte("bulk/"), func(k, v []byte) error {
			if got := binary.BigEndian.Uint64(v); got != bulk {
				return fmt.Errorf("%s is of round %d, bulk/0000 of round %d: a large write was torn", k, got, bulk)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		closeStore(t, s)
	}
}

// killAfter starts the writer, waits for n acknowledgements, kills it and returns the last round it acknowledged.
func killAfter(t *testing.T, self, dir string, n int) uint64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var last uint64
	lines := bufio.NewScanner(out)
	for got := 0; lines.Scan(); got++ {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Errorf("the writer says %q", lines.Text())
		}
		if got+1 == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // killed, always an error
	return last
}

func read(t *testing.T, s *store.Store, key string) uint64 {
	t.Helper()
	v, err := s.Space("crash").Get([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if len(v) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}
