package wire_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestBatchesSurviveTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(genPublish), 0, 50).Draw(t, "batch")
		b := wire.AppendPublishes([]byte("before"), want)
		got, err := wire.DecodePublishes(b[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}

func genPublish(t *rapid.T) wire.Publish {
	return wire.Publish{
		Topic:    rapid.SampledFrom([]string{"acme/detroit/a/b/c/P-007/telemetry", "acme/detroit/a/b/c/P-008/status", ""}).Draw(t, "topic"),
		Client:   rapid.SampledFrom([]string{"acme::gw-det-01", "", "acme::VI-007"}).Draw(t, "client"),
		Payload:  rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload"),
		Received: rapid.Int64().Draw(t, "received"),
		Will:     rapid.Bool().Draw(t, "will"),
	}
}

func TestPayloadsOfABatchAreNotCopied(t *testing.T) {
	b := wire.AppendPublishes(nil, []wire.Publish{{Topic: "t", Payload: []byte("one")}, {Topic: "t", Payload: []byte("two")}})
	ps, err := wire.DecodePublishes(b)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("one"))
	b[at] = 'O'
	if string(ps[0].Payload) != "One" {
		t.Error("the payload is a copy")
	}
	if _ = append(ps[0].Payload, "xx"...); string(ps[1].Payload) != "two" {
		t.Error("appending to one payload runs into the next")
	}
}

func TestBrokenBatchesAreRefused(t *testing.T) {
	good := wire.AppendPublishes(nil, []wire.Publish{
		{Topic: "acme/a", Client: "c", Payload: []byte("one"), Received: 5}, {Topic: "acme/b", Client: "c", Payload: []byte("two"), Will: true},
	})
	for n := range len(good) {
		if ps, err := wire.DecodePublishes(good[:n]); err == nil {
			t.Errorf("cut at %d of %d it still reads as %v", n, len(good), ps)
		}
	}
	if _, err := wire.DecodePublishes(append(bytes.Clone(good), 0)); err == nil {
		t.Error("a byte after the end was not seen")
	}
	newer := bytes.Clone(good)
	newer[0] = 2
	if _, err := wire.DecodePublishes(newer); err == nil {
		t.Error("a newer version was read")
	}
	flags := bytes.Clone(good)
	flags[2] |= 0x80
	if _, err := wire.DecodePublishes(flags); err == nil {
		t.Error("an unknown flag was passed over")
	}
}

func FuzzDecodePublishes(f *testing.F) {
	f.Add(wire.AppendPublishes(nil, nil))
	f.Add(wire.AppendPublishes(nil, []wire.Publish{{Topic: "acme/a", Client: "c", Payload: []byte("one"), Received: 5}, {Will: true}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		ps, err := wire.DecodePublishes(b)
		if err != nil {
			return
		}
		again, err := wire.DecodePublishes(wire.AppendPublishes(nil, ps))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(ps, again, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}

func BenchmarkBatch(b *testing.B) {
	ps := make([]wire.Publish, 1024)
	for i := range ps {
		ps[i] = wire.Publish{Topic: "acme/detroit/body-shop/cooling-water/centrifugal_pump/P-007/telemetry", Client: "acme::gw-det-01", Payload: []byte(pumpMessage), Received: int64(i)}
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = wire.AppendPublishes(buf[:0], ps)
		if _, err := wire.DecodePublishes(buf); err != nil {
			b.Fatal(err)
		}
	}
}
