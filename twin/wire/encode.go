package wire

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/lineshaft/lineshaft/twin"
)

// AppendTelemetry appends m as an envelope: schema 2.1, or 2.2 where a tag has several samples. SchemaVersion and
// Wrong are not looked at. Times are written in milliseconds from ts, in nanoseconds where that loses something.
// A reading without a finite value is written as null and, unless its quality says why, as bad.
func AppendTelemetry(b []byte, m *Message) []byte {
	groups, several := group(m.Readings)
	ms := floorMS(m.TS)
	version := Schema21
	if several {
		version = Schema22
	}
	b = append(b, `{"schema_version":"`...)
	b = append(b, version...)
	b = append(b, `","msg_id":`...)
	b = appendText(b, m.MsgID)
	b = append(b, `,"device_id":`...)
	b = appendText(b, m.DeviceID)
	b = appendOptional(b, `,"device_type":`, m.DeviceType)
	b = append(b, `,"ts":`...)
	b = strconv.AppendInt(b, ms, 10)
	b = appendOptional(b, `,"epoch":`, m.Epoch)
	if m.HasSeq {
		b = append(b, `,"seq":`...)
		b = strconv.AppendUint(b, m.Seq, 10)
	}
	b = append(b, `,"d":{`...)
	for i, g := range groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, g[0].Tag), ':')
		if len(g) == 1 {
			b = appendSample(b, g[0].Sample, ms*1e6)
		} else {
			b = appendSamples(b, g, ms*1e6)
		}
	}
	b = append(b, '}')
	b = appendMeta(b, m)
	return append(b, '}')
}

func appendMeta(b []byte, m *Message) []byte {
	if m.Firmware == "" && m.Gateway == "" && m.SourceTS == 0 && m.EdgeLatencyMS == 0 {
		return b
	}
	b = append(b, `,"meta":{`...)
	at := len(b)
	b = appendOptional(b, `,"fw_version":`, m.Firmware)
	b = appendOptional(b, `,"gw_id":`, m.Gateway)
	if m.SourceTS != 0 {
		b = append(b, `,"source_ts":`...)
		b = strconv.AppendInt(b, floorMS(m.SourceTS), 10)
	}
	if m.EdgeLatencyMS != 0 {
		b = append(b, `,"edge_latency_ms":`...)
		b = strconv.AppendInt(b, m.EdgeLatencyMS, 10)
	}
	b = slices.Delete(b, at, at+1) // the first comma
	return append(b, '}')
}

// group brings the samples of each tag together, tags in order of their first sample. The usual message, in which
// they already are, is cut up without a copy.
func group(rs []Reading) (groups [][]Reading, several bool) {
	rank := make(map[string]int, len(rs))
	apart := false
	for i, r := range rs {
		at, ok := rank[r.Tag]
		if !ok {
			rank[r.Tag] = len(rank)
		}
		several = several || ok
		apart = apart || (ok && at != rank[rs[i-1].Tag])
	}
	if apart {
		rs = slices.Clone(rs)
		slices.SortStableFunc(rs, func(a, b Reading) int { return rank[a.Tag] - rank[b.Tag] })
	}
	groups = make([][]Reading, 0, len(rank))
	for from := 0; from < len(rs); {
		end := from + 1
		for end < len(rs) && rs[end].Tag == rs[from].Tag {
			end++
		}
		groups = append(groups, rs[from:end])
		from = end
	}
	return groups, several
}

func appendSample(b []byte, s twin.Sample, ts int64) []byte {
	b = append(b, `{"v":`...)
	b = appendValue(b, s.V)
	b = append(b, `,"q":`...)
	b = strconv.AppendUint(b, uint64(quality(s)), 10)
	if off := s.T - ts; off != 0 {
		if off%1e6 == 0 {
			b = append(b, `,"t":`...)
			off /= 1e6
		} else {
			b = append(b, `,"t_ns":`...)
		}
		b = strconv.AppendInt(b, off, 10)
	}
	return append(b, '}')
}

func appendSamples(b []byte, g []Reading, ts int64) []byte {
	sameQ, unit := true, int64(1e6)
	for _, r := range g {
		sameQ = sameQ && quality(r.Sample) == quality(g[0].Sample)
		if (r.T-ts)%1e6 != 0 {
			unit = 1
		}
	}
	b = append(b, `{"v":[`...)
	for i, r := range g {
		b = appendComma(b, i)
		b = appendValue(b, r.V)
	}
	b = append(b, `],"q":`...)
	if sameQ {
		b = strconv.AppendUint(b, uint64(quality(g[0].Sample)), 10)
	} else {
		b = append(b, '[')
		for i, r := range g {
			b = appendComma(b, i)
			b = strconv.AppendUint(b, uint64(quality(r.Sample)), 10)
		}
		b = append(b, ']')
	}
	if unit == 1 {
		b = append(b, `,"t_ns":[`...)
	} else {
		b = append(b, `,"t":[`...)
	}
	for i, r := range g {
		b = appendComma(b, i)
		b = strconv.AppendInt(b, (r.T-ts)/unit, 10)
	}
	return append(b, "]}"...)
}

func appendComma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

// quality is the sample's, and bad for a sample without a value whose quality claims one.
func quality(s twin.Sample) twin.Quality {
	if s.Q.IsGood() && (s.V.Kind() == twin.None || !s.V.IsFinite()) {
		return twin.Bad
	}
	return s.Q
}

func appendValue(b []byte, v twin.Value) []byte {
	if v.Kind() == twin.String {
		return appendText(b, v.Text())
	}
	return v.AppendJSON(b)
}

func appendOptional(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(append(b, key...), s)
}

// appendText appends a JSON string; the plain ones, which are nearly all, without a detour.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			q, err := json.Marshal(s)
			if err != nil { // a string is always JSON
				return append(b, `""`...)
			}
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func floorMS(ns int64) int64 {
	ms := ns / 1e6
	if ns%1e6 < 0 {
		ms--
	}
	return ms
}
