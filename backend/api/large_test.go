package api_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// The whole tree is one call of at most 25 bytes an asset (2.5 MB for a hundred thousand), and reads back whole.
func TestALargeTreeIsOneSmallCall(t *testing.T) {
	const size = 20_000
	s := openSite(t)
	all := make([]twin.Asset, 0, size)
	all = append(all, twin.Asset{ID: wire.DerivedID(now, "top"), Path: "acme", Level: twin.Enterprise, Class: "enterprise", Title: "ACME"})
	for i := range size - 1 {
		line := fmt.Sprintf("acme/area-%02d", i/1000)
		a := twin.Asset{Path: line, Level: twin.Area, Class: "area", Title: "Area"}
		if i%1000 != 0 {
			a = twin.Asset{Path: fmt.Sprintf("%s/P-%05d", line, i), Level: twin.Equipment, Class: "centrifugal_pump", Title: fmt.Sprint("Cooling pump ", i)}
		}
		a.ID = wire.DerivedID(now, a.Path)
		all = append(all, a)
	}
	s.assets["acme"] = all
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/api/v1/assets/tree", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens["viewer@acme"])
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	packed := &counter{r: res.Body}
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	var tree api.AssetTree
	if err := json.NewDecoder(z).Decode(&tree); err != nil {
		t.Fatal(err)
	}
	if len(tree.ID) != size || len(tree.Parent) != size || packed.n > 25*size {
		t.Errorf("%d assets in %d bytes", len(tree.ID), packed.n)
	}
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}
