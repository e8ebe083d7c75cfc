package embedded

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// pair is a key and its value; a nil value deletes.
type pair struct{ key, value []byte }

// batch writes pairs in order, in as few transactions as Badger allows. Pairs given together stand or fall together.
type batch struct {
	db    *badger.DB
	txn   *badger.Txn
	bytes int64
	count int64
}

func (s *Store) batch() *batch { return &batch{db: s.db} }

// set adds pairs to the current transaction, or commits that one and opens another if they do not fit.
func (b *batch) set(pairs []pair) error {
	bytes := int64(0)
	for _, p := range pairs {
		bytes += int64(len(p.key)+len(p.value)) + 64
	}
	count := int64(len(pairs))
	if b.txn != nil && (b.bytes+bytes > b.db.MaxBatchSize()*9/10 || b.count+count > b.db.MaxBatchCount()*9/10) {
		if err := b.commit(); err != nil {
			return err
		}
	}
	if b.txn == nil {
		b.txn = b.db.NewTransaction(true)
	}
	b.bytes += bytes
	b.count += count
	for _, p := range pairs {
		if err := b.put(p); err != nil {
			return fmt.Errorf("write to badger: %w", err)
		}
	}
	return nil
}

func (b *batch) put(p pair) error {
	do := func() error {
		if p.value == nil {
			return b.txn.Delete(p.key)
		}
		return b.txn.Set(p.key, p.value)
	}
	err := do()
	if !errors.Is(err, badger.ErrTxnTooBig) {
		return err
	}
	// More than a transaction holds: the pairs are cut. Readers merge, so they are right with either half.
	if err := b.commit(); err != nil {
		return err
	}
	b.txn = b.db.NewTransaction(true)
	return do()
}

func (b *batch) delete(key []byte) error { return b.set([]pair{{key: key}}) }

// commit makes what was added durable.
func (b *batch) commit() error {
	if b.txn == nil {
		return nil
	}
	err := b.txn.Commit()
	b.txn, b.bytes, b.count = nil, 0, 0
	if err != nil {
		return fmt.Errorf("write to badger: %w", err)
	}
	return nil
}

// discard drops what was added since the last commit.
func (b *batch) discard() {
	if b.txn != nil {
		b.txn.Discard()
	}
}
