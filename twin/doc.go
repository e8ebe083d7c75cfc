// Package twin is the ISA-95 twin graph as a library: the nouns every Lineshaft program speaks.
//
// It knows no storage, no transport and no clock: a gateway, a simulator and a backend that import it
// mean the same thing by asset, tag, sample and quality.
package twin
