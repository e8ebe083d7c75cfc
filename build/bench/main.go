// Command bench runs the benchmarks that have a target and prints one table. CPU seconds per million and bytes are the
// figures; wall rates drift with the machine and count only as ratios within one sitting.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"
)

// row is one line of the table.
type row struct{ area, figure, target string }

func main() {
	only := flag.String("only", "", "run only the areas whose name contains this")
	messages := flag.Int("messages", 300_000, "messages of the whole-path measurement")
	if len(os.Args) > 1 && os.Args[1] == generatorWord {
		os.Exit(generate(os.Args[2:]))
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	rows, err := measure(ctx, *only, *messages)
	fmt.Printf("\n%s, %d cores, %s\n\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.Version())
	fmt.Println("| area | measured | target |\n|---|---|---|")
	for _, r := range rows {
		fmt.Printf("| %s | %s | %s |\n", r.area, r.figure, r.target)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// measure goes through all areas; what fails is said and the others go on.
func measure(ctx context.Context, only string, messages int) (rows []row, err error) {
	wanted := func(area string) bool { return strings.Contains(strings.ToLower(area), strings.ToLower(only)) }
	if wanted(pathArea) {
		r, err := wholePath(ctx, messages)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", pathArea, err)
		}
		rows = append(rows, r...)
	}
	for _, b := range benchmarks {
		if !wanted(b.area) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", b.area)
		r, err := b.run(ctx)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", b.area, err)
		}
		rows = append(rows, r...)
	}
	return rows, nil
}
