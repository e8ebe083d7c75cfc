package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// Pair is one key with its new value; a nil value deletes the key. It is an alias of an unnamed type, so that the
// interfaces of packages that must not import this one can say the same.
type Pair = struct{ Key, Value []byte }

// Space is a part of the store under a name of its own: no key of one space is visible in another.
type Space struct {
	s      *Store
	prefix []byte
}

// longestName keeps the first byte of every key below a space's first letter in the format before this one.
const longestName = 31

// Space returns the space of that name, 1 to 31 bytes. Asking again gives the same records. A space with another name
// answers every call with an error.
func (s *Store) Space(name string) *Space {
	if name == "" || len(name) > longestName {
		return &Space{s: s}
	}
	return &Space{s: s, prefix: spacePrefix(name)}
}

// spacePrefix is the name after its length, so that "a" and "ab" never overlap. The length is never 0: keys that
// begin with a zero byte are the store's own.
func spacePrefix(name string) []byte { return append([]byte{byte(len(name))}, name...) }

var errSpaceName = errors.New("a space's name has 1 to 31 bytes")

func (sp *Space) key(k []byte) []byte {
	return slices.Concat(sp.prefix, k)
}

// Get returns a copy of the value of key, nil if there is none.
func (sp *Space) Get(key []byte) ([]byte, error) {
	if sp.prefix == nil {
		return nil, errSpaceName
	}
	var out []byte
	err := sp.s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(sp.key(key))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err = item.ValueCopy([]byte{})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	return out, nil
}

// Scan calls fn with every pair whose key begins with prefix, in the order of the keys, as they were when Scan was
// called. The slices are fn's to keep. An error of fn ends the scan and is returned as it is.
func (sp *Space) Scan(prefix []byte, fn func(k, v []byte) error) error {
	return sp.ScanFrom(prefix, prefix, fn)
}

// ScanFrom is Scan beginning with the key from instead of the first one.
func (sp *Space) ScanFrom(prefix, from []byte, fn func(k, v []byte) error) error {
	if sp.prefix == nil {
		return errSpaceName
	}
	return sp.s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{PrefetchValues: true, PrefetchSize: 64, Prefix: sp.key(prefix)})
		defer it.Close()
		for it.Seek(sp.key(from)); it.Valid(); it.Next() {
			v, err := it.Item().ValueCopy([]byte{})
			if err != nil {
				return fmt.Errorf("read store: %w", err)
			}
			if err := fn(it.Item().KeyCopy(nil)[len(sp.prefix):], v); err != nil {
				return err
			}
		}
		return nil
	})
}

// Write makes all the changes or none of them, and returns once they are on disk. Of two pairs with one key the later
// counts. While a very large write is being applied, a concurrent Get or Scan may see a part of it.
func (sp *Space) Write(ctx context.Context, puts []Pair) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write store: %w", err)
	}
	if sp.prefix == nil {
		return errSpaceName
	}
	if len(puts) == 0 {
		return nil
	}
	err := sp.s.commit(sp.prefix, puts)
	if errors.Is(err, badger.ErrTxnTooBig) {
		err = sp.s.commitStaged(sp.prefix, puts)
	}
	if err == nil {
		return nil
	}
	return &fault.Error{
		Kind: fault.Unavailable, Message: "the store could not be written", Err: err,
		Hint: "see that the disk of the data directory has space and is not read-only; restart if it stays",
	}
}

func (s *Store) commit(prefix []byte, puts []Pair) error {
	s.staging.RLock()
	defer s.staging.RUnlock()
	if s.broken != nil {
		return s.broken
	}
	return s.transact(prefix, puts)
}

// transact writes the pairs in one transaction. The caller holds staging.
func (s *Store) transact(prefix []byte, puts []Pair) error {
	txn := s.db.NewTransaction(true)
	defer txn.Discard()
	for _, p := range puts {
		key := make([]byte, 0, len(prefix)+len(p.Key))
		key = append(append(key, prefix...), p.Key...)
		var err error
		if p.Value == nil {
			err = txn.Delete(key)
		} else {
			err = txn.Set(key, p.Value)
		}
		if err != nil {
			return err
		}
	}
	return txn.Commit()
}
