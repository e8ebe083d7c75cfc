package plant

import "github.com/lineshaft/lineshaft/twin"

func (w *World) build(twin.Model) {}
func (w *World) condition(twin.Model) {}
