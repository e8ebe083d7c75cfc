package api

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Storage is what a tenant's history takes.
type Storage interface {
	Usage(ctx context.Context, tenant string) (StorageUsage, error)
}

// StorageUsage is what a tenant's history takes, series by series.
type StorageUsage struct {
	Bytes, Points int64
	PerDay        int64 // bytes a day, lately; 0 as long as that is not known
	Free          int64 // bytes free on the disk; 0 if that is not known
	Series        []StorageSeries
}

// StorageSeries is what one series takes: a tag of an asset (by id), or one of a device that nobody declared.
type StorageSeries struct {
	Asset, Device, Tag string
	Bytes, Points      int64
}

type storageIn struct {
	Tags int `query:"tags" minimum:"0" maximum:"1000" default:"20" doc:"how many of the largest tags to list"`
}

type storageOut struct {
	Body StorageReport
}

func (p *plant) storage(ctx context.Context, in *storageIn) (*storageOut, error) {
	u, err := p.ports.Storage.Usage(ctx, p.tenant())
	if err != nil {
		return nil, err
	}
	out := StorageReport{ServerTime: p.now(), Sites: []StorageSite{}}
	sites := map[string]int{}
	for _, s := range u.Series {
		place, ok := p.placeOf(s)
		if !ok {
			continue
		}
		i, known := sites[place.site]
		if !known {
			i = len(out.Sites)
			sites[place.site] = i
			out.Sites = append(out.Sites, StorageSite{Site: place.site})
		}
		site := &out.Sites[i]
		site.Series, site.Bytes, site.Points = site.Series+1, site.Bytes+s.Bytes, site.Points+s.Points
		out.Series, out.Bytes, out.Points = out.Series+1, out.Bytes+s.Bytes, out.Points+s.Points
		out.Tags = append(out.Tags, StorageTag{
			AssetID: s.Asset, Path: place.path, DeviceID: s.Device, Tag: s.Tag, Bytes: s.Bytes, Points: s.Points,
		})
	}
	slices.SortFunc(out.Sites, func(a, b StorageSite) int { return cmp.Compare(b.Bytes, a.Bytes) })
	slices.SortStableFunc(out.Tags, func(a, b StorageTag) int { return cmp.Compare(b.Bytes, a.Bytes) })
	out.Tags = orNone(out.Tags[:min(in.Tags, len(out.Tags))])
	if p.grant.Whole() { // what is shared is told to who may see all of it
		out.Bytes, out.PerDay, out.Free = u.Bytes, u.PerDay, u.Free
		out.FullAt = fullAt(out.ServerTime, u)
	}
	return &storageOut{Body: out}, nil
}

// seriesPlace is where a series belongs.
type seriesPlace struct{ site, path string }

// placeOf is where a series belongs, false if the grant does not cover it. What no asset and no device has any more
// belongs to no site, and is told to who may see all.
func (p *plant) placeOf(s StorageSeries) (seriesPlace, bool) {
	if s.Asset != "" {
		a, err := p.ports.Twins.Asset(p.tenant(), s.Asset)
		if err == nil {
			return seriesPlace{siteOf(a.Path), a.Path}, p.grant.Covers(a.Path)
		}
	} else if d, err := p.ports.Fleet.Device(p.tenant(), s.Device); err == nil {
		return seriesPlace{site: d.Site}, p.covers(d)
	}
	return seriesPlace{}, p.grant.Whole()
}

// siteOf is the second segment of a path, empty for the enterprise itself.
func siteOf(path string) string {
	segments := strings.Split(path, "/")
	if len(segments) < 2 {
		return ""
	}
	return segments[1]
}

// fullAt is when the disk is full if history goes on growing as it does, nil if that is not known or a century away.
func fullAt(now time.Time, u StorageUsage) *time.Time {
	if u.PerDay <= 0 || u.Free <= 0 || u.Free/u.PerDay > 36500 {
		return nil
	}
	at := now.Add(time.Duration(float64(u.Free) / float64(u.PerDay) * float64(24*time.Hour))).Truncate(time.Minute)
	return &at
}
