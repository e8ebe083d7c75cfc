package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/lineshaft/lineshaft/twin/fault"
)

func TestAKindIsFoundThroughWrapping(t *testing.T) {
	err := fmt.Errorf("read plant: %w", fault.Field("tenant", "a b", "wants one word"))
	if !fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) {
		t.Errorf("%v is %s", err, fault.KindOf(err))
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Field != "tenant" || e.Value != "a b" {
		t.Errorf("field and value are lost: %+v", e)
	}
}

func TestAnErrorWithoutKindIsInternal(t *testing.T) {
	if k := fault.KindOf(io.ErrUnexpectedEOF); k != fault.Internal {
		t.Errorf("a plain error is %s", k)
	}
	if fault.Is(nil, fault.Internal) {
		t.Error("no error is internal")
	}
}

func TestWhatAnErrorSays(t *testing.T) {
	cause := fault.New(fault.Unavailable, "the store is closed")
	cause.Err = io.ErrClosedPipe
	for want, err := range map[string]error{
		"no asset P-007":                                   fault.New(fault.NotFound, "no asset %s", "P-007").WithHint("look at the tree"),
		"limit: is at most 1000 (got 5000)":                fault.Field("limit", 5000, "is at most %d", 1000),
		"the store is closed: " + io.ErrClosedPipe.Error(): cause,
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !errors.Is(cause, io.ErrClosedPipe) {
		t.Error("the cause is lost")
	}
}
