// Package fault is what an error means: a kind for the program, a message for the user, a hint for the operator.
package fault

import (
	"errors"
	"fmt"
)

// Kind is what a caller can do about an error.
type Kind string

// The kinds. An error without one is Internal: its text is for the log, never for a user.
const (
	NotFound    Kind = "not_found"
	Invalid     Kind = "invalid"
	Denied      Kind = "denied"
	Conflict    Kind = "conflict"
	Unavailable Kind = "unavailable"
	Internal    Kind = "internal"
)

// Error is an error with a kind. Field and Value name the input that was refused, where there is one.
type Error struct {
	Kind    Kind
	Message string // one sentence for the user
	Hint    string // what to do next
	Field   string
	Value   any
	Err     error // the cause, for the log
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Message
	if e.Field != "" {
		s = fmt.Sprintf("%s: %s (got %v)", e.Field, e.Message, e.Value)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a kind.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Field makes an Invalid error that names the field and the value refused.
func Field(field string, value any, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Message: fmt.Sprintf(format, args...), Field: field, Value: value}
}

// WithHint returns the error with a hint for the operator.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// KindOf is the kind of the first *Error in the chain, Internal if there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is says whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }
