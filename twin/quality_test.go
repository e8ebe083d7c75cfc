package twin_test

import (
	"testing"

	"github.com/lineshaft/lineshaft/twin"
)

func TestQualitiesSpeakInTheWordsOfTheStandard(t *testing.T) {
	for q, want := range map[twin.Quality]string{
		0: "bad", 4: "configuration error", 8: "not connected", 12: "device failure", 16: "sensor failure", 20: "last known value",
		24: "communication failure", 28: "out of service", 32: "waiting for initial data", 64: "uncertain", 68: "last usable value",
		80: "sensor not accurate", 84: "engineering units exceeded", 88: "sub-normal", 192: "good", 216: "good, local override",
		1: "bad", 65: "uncertain", 193: "good", 255: "good", 128: "bad",
	} {
		if got := q.String(); got != want {
			t.Errorf("%d is %q, want %q", uint8(q), got, want)
		}
	}
}

// Every byte is exactly one of good, uncertain and bad; the reserved status 10 is not usable.
func TestEveryQualityByteIsOneOfThree(t *testing.T) {
	for i := range 256 {
		q := twin.Quality(i)
		n := 0
		for _, is := range []bool{q.IsGood(), q.IsUncertain(), q.IsBad()} {
			if is {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d is %d of good, uncertain and bad", i, n)
		}
	}
}
