package driver

import (
	"math"
	"strconv"

	"github.com/lineshaft/lineshaft/twin"
)

// Float32 is a float32 as the float64 a person would write for it: 72.4 and not 72.4000015258789. It converts back
// to the same float32.
func Float32(f float32) twin.Value {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) || f == float32(int32(f)) {
		return twin.FloatValue(float64(f))
	}
	var text [32]byte
	out, err := strconv.ParseFloat(string(strconv.AppendFloat(text[:0], float64(f), 'g', -1, 32)), 64)
	if err != nil {
		return twin.FloatValue(float64(f))
	}
	return twin.FloatValue(out)
}
