package api_test

import (
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
)

func TestStorageIsToldBySiteAndTag(t *testing.T) {
	s := openSite(t)
	all := get[api.StorageReport](t, s, "viewer@acme", "/api/v1/storage?tags=2")
	if all.Bytes != 1500 || all.Points != 900 || all.Series != 3 || all.PerDay != 100 || all.Free != 1000 {
		t.Errorf("%+v", all)
	}
	if all.FullAt == nil || all.FullAt.Sub(all.ServerTime).Round(time.Hour) != 240*time.Hour {
		t.Errorf("full at %v, now it is %v", all.FullAt, all.ServerTime)
	}
	if len(all.Sites) != 1 || all.Sites[0] != (api.StorageSite{Site: "detroit", Series: 3, Bytes: 1200, Points: 900}) {
		t.Errorf("sites %+v", all.Sites)
	}
	p7 := s.assets["acme"][3]
	if len(all.Tags) != 2 || all.Tags[0].Tag != "flow" || all.Tags[0].Path != p7.Path || all.Tags[1].DeviceID != "P-007" {
		t.Errorf("tags %+v", all.Tags)
	}
	part := get[api.StorageReport](t, s, "welder@acme", "/api/v1/storage")
	if part.Bytes != 1200 || part.Series != 3 || part.PerDay != 0 || part.FullAt != nil {
		t.Errorf("a role on one pump is told %+v", part)
	}
}
