package store

import (
	"fmt"
	"io"
)

// restoring is how many writes a restore keeps in flight.
const restoring = 16

// Backup writes everything the store holds, as of one moment, while it goes on working.
func (s *Store) Backup(w io.Writer) error {
	stream := s.db.NewStream()
	stream.NumGo = 2
	stream.LogPrefix = "backup"
	if _, err := stream.Backup(w, 0); err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	return nil
}

// Restore replaces everything the store holds by what Backup of a store of this format wrote. Nobody else may use the
// store meanwhile.
func (s *Store) Restore(r io.Reader) error {
	if err := s.db.DropAll(); err != nil {
		return fmt.Errorf("empty store: %w", err)
	}
	if err := s.db.Load(r, restoring); err != nil {
		return fmt.Errorf("restore store: %w", err)
	}
	return s.finishStaged() // the backup may have been made in the middle of a large write
}
