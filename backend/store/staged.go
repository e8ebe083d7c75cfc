package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// A write too large for one Badger transaction is staged: its pairs are first written aside in pieces, then one small
// record says that they count, then they are put in their places. A crash before the record leaves nothing, a crash
// after it is made good by the next Open. The keys begin with a zero byte, which no space's do.
var (
	stagedPiece  = []byte("\x00staged/piece/")
	stagedCommit = []byte("\x00staged/commit")
)

// pieceSize and piecePairs are about how much one piece holds, well below what a transaction may carry.
const (
	pieceSize  = 512 << 10
	piecePairs = 5000
)

var errPiece = errors.New("a staged write is damaged")

func (s *Store) commitStaged(prefix []byte, puts []Pair) error {
	s.staging.Lock()
	defer s.staging.Unlock()
	if s.broken != nil {
		return s.broken
	}
	pieces := cut(prefix, puts)
	for i, piece := range pieces {
		if err := s.transact(nil, []Pair{{Key: pieceKey(i), Value: piece}}); err != nil {
			return fmt.Errorf("stage: %w", err)
		}
	}
	if err := s.transact(nil, []Pair{{Key: stagedCommit, Value: []byte{1}}}); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if err := s.applyStaged(); err != nil {
		s.broken = fmt.Errorf("apply a committed write: %w", err)
		return s.broken
	}
	return nil
}

// finishStaged completes or forgets what a crash left behind.
func (s *Store) finishStaged() error {
	committed := false
	err := s.db.View(func(txn *badger.Txn) error {
		_, err := txn.Get(stagedCommit)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		committed = err == nil
		return err
	})
	if err != nil {
		return fmt.Errorf("read staged write: %w", err)
	}
	if committed {
		if err := s.applyStaged(); err != nil {
			return fmt.Errorf("apply staged write: %w", err)
		}
		return nil
	}
	return s.dropPieces()
}

// applyStaged puts the staged pairs in their places and forgets the staging. Doing it again does no harm.
func (s *Store) applyStaged() error {
	err := s.eachPiece(func(_, piece []byte) error {
		puts, err := pairs(piece)
		if err != nil {
			return err
		}
		return s.transact(nil, puts)
	})
	if err != nil {
		return err
	}
	if err := s.transact(nil, []Pair{{Key: stagedCommit}}); err != nil {
		return err
	}
	return s.dropPieces()
}

func (s *Store) dropPieces() error {
	return s.eachPiece(func(key, _ []byte) error { return s.transact(nil, []Pair{{Key: key}}) })
}

func (s *Store) eachPiece(fn func(key, piece []byte) error) error {
	return s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: stagedPiece})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			piece, err := it.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			if err := fn(it.Item().KeyCopy(nil), piece); err != nil {
				return err
			}
		}
		return nil
	})
}

func pieceKey(i int) []byte {
	return binary.BigEndian.AppendUint32(append([]byte{}, stagedPiece...), uint32(i))
}

// cut writes the pairs with their full keys one after the other: key length, key, value length + 1 or 0, value.
func cut(prefix []byte, puts []Pair) [][]byte {
	var out [][]byte
	var b []byte
	n := 0
	for _, p := range puts {
		b = binary.AppendUvarint(b, uint64(len(prefix)+len(p.Key)))
		b = append(append(b, prefix...), p.Key...)
		if p.Value == nil {
			b = binary.AppendUvarint(b, 0)
		} else {
			b = binary.AppendUvarint(b, uint64(len(p.Value))+1)
			b = append(b, p.Value...)
		}
		if n++; len(b) >= pieceSize || n == piecePairs {
			out, b, n = append(out, b), nil, 0
		}
	}
	if len(b) > 0 {
		out = append(out, b)
	}
	return out
}

// pairs reads one piece back.
func pairs(b []byte) ([]Pair, error) {
	var out []Pair
	for len(b) > 0 {
		n, used := binary.Uvarint(b)
		if used <= 0 || uint64(len(b)-used) < n {
			return nil, errPiece
		}
		p := Pair{Key: b[used : used+int(n)]}
		b = b[used+int(n):]
		n, used = binary.Uvarint(b)
		if used <= 0 || n > 0 && uint64(len(b)-used) < n-1 {
			return nil, errPiece
		}
		b = b[used:]
		if n > 0 {
			p.Value = b[: n-1 : n-1]
			b = b[n-1:]
		}
		out = append(out, p)
	}
	return out, nil
}
