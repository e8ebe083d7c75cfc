package wire

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// refusal turns what stopped the scanner into a dead letter's reason.
func refusal(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	return &Refusal{ReasonEncoding, "not JSON: " + err.Error()}
}

// checkText refuses what is no text at all, before anything is read of it.
func checkText(payload []byte) *Refusal {
	if len(payload) > MaxPayload {
		return &Refusal{ReasonSize, fmt.Sprintf("%d bytes, at most %d are taken", len(payload), MaxPayload)}
	}
	if !utf8.Valid(payload) {
		at := 0
		for at < len(payload) {
			r, n := utf8.DecodeRune(payload[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return &Refusal{ReasonEncoding, fmt.Sprintf("not UTF-8 at byte %d", at)}
	}
	return nil
}
