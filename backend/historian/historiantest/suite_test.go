package historiantest_test

import (
	"testing"

	"github.com/lineshaft/lineshaft/backend/historian/historiantest"
)

func TestModel(t *testing.T) {
	historiantest.Run(t, func(testing.TB) *historiantest.Subject {
		return &historiantest.Subject{Historian: historiantest.NewModel()}
	})
}
