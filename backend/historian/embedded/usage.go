package embedded

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
)

// Usage is what the history of a tenant takes. Points that were sent again may be counted twice until their blocks
// are merged.
type Usage struct {
	Bytes  int64 // of keys and values, rollups and checkpoints included
	Points int64 // raw ones
	Series []SeriesUsage
	PerDay int64 // bytes a day, of the last seven days with their rollups; 0 if there is less than an hour
	Free   int64 // bytes free on the disk; 0 if it does not say
}

// SeriesUsage is what one series takes.
type SeriesUsage struct {
	ID            historian.SeriesID
	Bytes, Points int64
}

const (
	usageFor  = 30 * time.Second // how long an answer is given again
	usageSpan = 7 * dayLength    // over which growth is measured
	usageLow  = int64(time.Hour)
)

// usage remembers what was counted, so that days that did not change are not read again.
type usage struct {
	mu   sync.Mutex
	at   time.Time
	last Usage
	days map[day]dayUsage
}

// dayUsage is what the blocks of a day hold; print tells them from others.
type dayUsage struct {
	print  uint64
	points int64
}

// Usage counts what the history of a tenant takes. It goes through the keys of the tenant at most every half minute.
func (s *Store) Usage(ctx context.Context, name string) (Usage, error) {
	s.mu.Lock()
	t, ok := s.tenants[name]
	s.mu.Unlock()
	if !ok {
		return Usage{Free: freeBytes(s.db.Opts().Dir)}, nil
	}
	u := &t.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	now := s.opt.Clock.Now()
	if !u.at.IsZero() && now.Sub(u.at) < usageFor {
		return u.last, nil
	}
	out, err := t.count(ctx, now.UnixNano())
	if err != nil {
		return Usage{}, fmt.Errorf("count history of tenant %s: %w", name, err)
	}
	out.Free = freeBytes(s.db.Opts().Dir)
	u.at, u.last = now, out
	return out, nil
}

// counting is one pass over the keys of a tenant.
type counting struct {
	bytes  map[historian.SeriesID]int64
	prints map[day]uint64
	recent int64 // bytes of blocks of the last days
	blocks int64 // bytes of all blocks
	rolled int64 // bytes of all buckets
	oldest int64 // of the recent blocks
	total  int64
}

func (t *tenant) count(ctx context.Context, now int64) (Usage, error) {
	c := counting{bytes: map[historian.SeriesID]int64{}, prints: map[day]uint64{}, oldest: now}
	points := map[historian.SeriesID]int64{}
	err := t.store.db.View(func(txn *badger.Txn) error {
		if err := t.countKeys(ctx, txn, &c, now); err != nil {
			return err
		}
		return t.countPoints(ctx, txn, c.prints, points)
	})
	if err != nil {
		return Usage{}, err
	}
	out := Usage{Bytes: c.total}
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i, s := range t.series {
		if s == nil {
			continue
		}
		id := historian.SeriesID(i)
		u := SeriesUsage{ID: id, Bytes: c.bytes[id], Points: points[id] + int64(s.head.Len()+s.frozen.Len())}
		out.Points += u.Points
		out.Series = append(out.Series, u)
	}
	if span := now - c.oldest; span >= usageLow && c.blocks > 0 {
		perDay := float64(c.recent) / float64(span) * float64(dayLength)
		out.PerDay = int64(perDay * (1 + float64(c.rolled)/float64(c.blocks)))
	}
	return out, nil
}

func (t *tenant) countKeys(ctx context.Context, txn *badger.Txn, c *counting, now int64) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: t.prefix})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		key, size := it.Item().Key()[len(t.prefix):], it.Item().EstimatedSize()
		c.total += size
		if len(key) < 5 || key[0] == kindCheckpoint {
			continue
		}
		id := historian.SeriesID(binary.BigEndian.Uint32(key[1:]))
		c.bytes[id] += size
		switch key[0] {
		case kindMinutes, kindHours:
			c.rolled += size
		case kindBlock:
			r, ok := parseRef(key[5:])
			if !ok {
				return fmt.Errorf("block key %x: %w", key, block.ErrCorrupt)
			}
			c.blocks += size
			if d := dayOf(r.start); d >= now-usageSpan {
				c.recent += size
				c.oldest = min(c.oldest, r.start)
			}
			sum := fnv.New64a()
			_, _ = sum.Write(key)
			c.prints[day{id, dayOf(r.start)}] += sum.Sum64()
		}
	}
	return nil
}

// countPoints adds up the rows of the blocks; it reads the blocks of days that are not the ones it knows.
func (t *tenant) countPoints(ctx context.Context, txn *badger.Txn, prints map[day]uint64, points map[historian.SeriesID]int64) error {
	known := make(map[day]dayUsage, len(prints))
	for d, mark := range prints {
		if err := ctx.Err(); err != nil {
			return err
		}
		u, ok := t.usage.days[d]
		if !ok || u.print != mark {
			u = dayUsage{print: mark}
			err := t.eachBlock(txn, d.id, d.start, dayEnd(d.start), func(r ref, v []byte) error {
				rows, err := block.Count(v)
				u.points += int64(rows)
				if err != nil {
					return t.damaged(d.id, r.start, r.end, err)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		known[d] = u
		points[d.id] += u.points
	}
	t.usage.days = known
	return nil
}
