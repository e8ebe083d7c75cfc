package driver

import (
	"math"
	"testing"
)

func FuzzFloat32(f *testing.F) {
	f.Add(float32(72.4))
	f.Add(float32(math.MaxFloat32))
	f.Fuzz(func(t *testing.T, x float32) {
		if got := float32(Float32(x).Float()); got != x && x == x {
			t.Errorf("%v became %v", x, got)
		}
	})
}

func TestFloat32ReadsAsWritten(t *testing.T) {
	if got := Float32(72.4).Float(); got != 72.4 {
		t.Errorf("got %v", got)
	}
}
