package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Table is a space whose values are all of one type, kept as JSON.
type Table[T any] struct{ space *Space }

// NewTable reads and writes the values of a space as T.
func NewTable[T any](space *Space) Table[T] { return Table[T]{space} }

// Get returns the row of key; false if there is none.
func (t Table[T]) Get(key string) (T, bool, error) {
	var row T
	b, err := t.space.Get([]byte(key))
	if err != nil || b == nil {
		return row, false, err
	}
	if err := json.Unmarshal(b, &row); err != nil {
		return row, false, fmt.Errorf("read row %q: %w", key, err)
	}
	return row, true, nil
}

// Each calls fn with the rows whose keys begin with prefix, in the order of the keys, until fn fails.
func (t Table[T]) Each(prefix string, fn func(key string, row T) error) error {
	return t.space.Scan([]byte(prefix), func(k, v []byte) error {
		var row T
		if err := json.Unmarshal(v, &row); err != nil {
			return fmt.Errorf("read row %q: %w", k, err)
		}
		return fn(string(k), row)
	})
}

// Put writes one row, durable on return.
func (t Table[T]) Put(ctx context.Context, key string, row T) error {
	p, err := t.Pair(key, row)
	if err != nil {
		return err
	}
	return t.space.Write(ctx, []Pair{p})
}

// Delete removes a row; one that is not there is no error.
func (t Table[T]) Delete(ctx context.Context, key string) error {
	return t.space.Write(ctx, []Pair{{Key: []byte(key)}})
}

// Pair is the row as a part of a larger Write.
func (t Table[T]) Pair(key string, row T) (Pair, error) {
	b, err := json.Marshal(row)
	if err != nil {
		return Pair{}, fmt.Errorf("write row %q: %w", key, err)
	}
	return Pair{Key: []byte(key), Value: b}, nil
}
