package fleet

import "time"

// Age is how old a value is against the interval it is expected in.
type Age uint8

// The ages of the fleet signal freshness: fresh up to twice the interval, stale beyond five times.
const (
	Fresh Age = iota
	Late
	Stale
)

// AgeOf classifies an age; an interval of 0 or less stands for ten seconds.
func AgeOf(age, interval time.Duration) Age {
	if interval <= 0 {
		interval = defaultInterval
	}
	switch {
	case age <= 2*interval:
		return Fresh
	case age <= 5*interval:
		return Late
	default:
		return Stale
	}
}

// Counts are what the fleet signals of a site are computed from. The counts of a tenant are the sum of its sites'.
type Counts struct {
	Devices, Online    int
	PerSecond          float64 // messages, over the last ten seconds
	Messages, Letters  int     // taken and dead-lettered in the last minute
	Fresh, Late, Stale int     // tags by the age of their value
	Buffered           int64   // messages waiting at the edge
	Reporting          int     // gateways that say how many wait
	Readings           int     // in the last minute's messages
}

// Plus adds the counts of another site.
func (c Counts) Plus(o Counts) Counts {
	c.Devices += o.Devices
	c.Online += o.Online
	c.PerSecond += o.PerSecond
	c.Messages += o.Messages
	c.Letters += o.Letters
	c.Fresh += o.Fresh
	c.Late += o.Late
	c.Stale += o.Stale
	c.Buffered += o.Buffered
	c.Reporting += o.Reporting
	c.Readings += o.Readings
	return c
}

// Signals are the fleet signals of a site or a tenant. Nil is not known: nothing there that could be counted.
type Signals struct {
	Connectivity *float64 // % of devices online
	Throughput   *float64 // messages per second
	Errors       *float64 // % of the last minute's messages that became dead letters
	Freshness    *float64 // % of tags that are fresh
	Buffered     *int64   // messages waiting at the edge
}

// Signals computes the fleet signals.
func (c Counts) Signals() Signals {
	s := Signals{
		Connectivity: percent(c.Online, c.Devices),
		Errors:       percent(c.Letters, c.Messages+c.Letters),
		Freshness:    percent(c.Fresh, c.Fresh+c.Late+c.Stale),
	}
	if c.Devices > 0 {
		s.Throughput = &c.PerSecond
	}
	if c.Reporting > 0 {
		s.Buffered = &c.Buffered
	}
	return s
}

func percent(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	p := 100 * float64(part) / float64(whole)
	return &p
}
