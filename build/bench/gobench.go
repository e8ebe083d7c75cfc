package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// benchmark is a Go benchmark with a target.
type benchmark struct {
	area, pkg, pattern, time, target string
}

// benchmarks are those the table shows, in the order a reading travels.
var benchmarks = []benchmark{
	{"Modbus polling", "./gateway/modbus", "Poll", "2s", "≤ 0.5 s/Mreg with outbox"},
	{"outbox", "./gateway/outbox", "Put", "2s", "≥ 50 k messages/s"},
	{"decode", "./twin/wire", "DecodeSixTags|DecodeHundredPoints", "2s", "≤ 2 µs a message with sinks"},
	{"broker and stream, acknowledged", "./backend/broker", "Acknowledged", "3s", "≥ 80 k msg/s"},
	{"message, decode to sinks", "./backend/intake", "Message", "2s", "≤ 2 µs"},
	{"column codec", "./backend/historian/block", ".", "1s", "≤ 1.0 B/point, decode of a day ≤ 1 ms"},
	{"historian append", "./backend/historian/embedded", "Append|AppendLate", "2s", "≤ 0.3 s/Mpoint; late ≤ 1.5×"},
	{"historian disk", "./backend/historian/embedded", "Disk", "1x", "≤ 1.0 B/point"},
	{"historian reads", "./backend/historian/embedded", "Reads", "2s", "day raw ≤ 1 ms, mean per minute ≤ 1 ms, last of 1000 ≤ 0.5 ms"},
	{"twin report", "./backend/twins", "Report", "2s", ""},
}

var benchLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.+)$`)

// run runs the benchmark and makes a row of each line it prints.
func (b benchmark) run(ctx context.Context) ([]row, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", b.pattern, "-benchtime", b.time, b.pkg)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	var rows []row
	for _, m := range benchLine.FindAllStringSubmatch(string(out), -1) {
		rows = append(rows, row{b.area + ": " + m[1], strings.Join(strings.Fields(strings.ReplaceAll(m[2], "\t", ", ")), " "), b.target})
	}
	if len(rows) == 0 {
		return nil, errors.New("no benchmark ran: the pattern is out of date")
	}
	return rows, nil
}
