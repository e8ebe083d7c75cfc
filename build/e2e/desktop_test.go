package e2e

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pen is the colour of the first pen of a trend in the light theme, and value that of a normal value: nothing else
// in the window has them.
var (
	pen   = color.RGBA{0x11, 0x42, 0x48, 0xFF}
	value = color.RGBA{0x15, 0x3A, 0x63, 0xFF}
)

// desktop opens the shell on the asset page under Xvfb, with the language containers and kiosks have, and looks at
// what is on the screen.
func desktop(t *testing.T, p plant) {
	needs(t, "Xvfb")
	needs(t, "import")
	shell, err := filepath.Abs("../../bin/lineshaft-desktop")
	if err != nil {
		t.Fatal(err)
	}
	needs(t, shell)
	display := startXvfb(t)
	asset, _ := resolve(t, p, "P-007", "flow_m3h")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(p.api.token), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"C.UTF-8", "en_US.UTF-8"} {
		t.Run(lang, func(t *testing.T) {
			cmd := exec.Command(shell, "--server", p.api.base, "--token-file", token, "--data", t.TempDir(), "--open", "/a/"+asset)
			cmd.Env = append(os.Environ(), "DISPLAY="+display, "LANG="+lang)
			background(t, cmd)
			shot := filepath.Join(shots, "desktop-"+lang+".png")
			eventually(t, 60*time.Second, "the asset page with its values and trends", func() error {
				return seen(t, display, shot)
			})
		})
	}
}

// background runs a program until the end of the test, and waits for it and its children.
func background(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out := &safeBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", cmd.Path, tail(out.String(), 4000))
		}
	})
}

func startXvfb(t *testing.T) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1440x900x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	background(t, cmd)
	_ = w.Close()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb named no display: %v", err)
	}
	return ":" + strings.TrimSpace(line)
}

// seen takes a picture of the screen and counts the pixels of pens and of values.
func seen(t *testing.T, display, file string) error {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(t.Context(), "import", "-window", "root", file)
	cmd.Env = append(os.Environ(), "DISPLAY="+display)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w %s", err, out)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		return err
	}
	pens, values := count(picture, pen), count(picture, value)
	if pens < 60 || values < 60 {
		return fmt.Errorf("%d pixels of pens and %d of values in %s", pens, values, file)
	}
	return nil
}

func count(picture image.Image, c color.RGBA) (n int) {
	b := picture.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.RGBAModel.Convert(picture.At(x, y)) == c {
				n++
			}
		}
	}
	return n
}
