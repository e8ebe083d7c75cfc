package main

import (
	"fmt"
	"net/http"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"

	"github.com/lineshaft/lineshaft/app/shell"
	"github.com/lineshaft/lineshaft/frontend"
)

// policy keeps the page to its own files and to the loopback address its backend answers on.
const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"connect-src 'self' http://127.0.0.1:*; worker-src 'self' blob:; frame-ancestors 'none'"

// window shows the console until it is closed, then stops what the shell started.
func window(o shell.Options) error {
	bound, hooks := shell.New(o)
	err := wails.Run(&options.App{
		Title:            "Lineshaft",
		Width:            1440,
		Height:           900,
		MinWidth:         960,
		MinHeight:        600,
		BackgroundColour: options.NewRGB(0xED, 0xEF, 0xF1),
		AssetServer:      &assetserver.Options{Assets: frontend.FS(), Middleware: secure},
		OnStartup:        hooks.Started,
		OnShutdown:       hooks.Stop,
		Bind:             []any{bound},
		// Drawing with the GPU leaves windows blank on common drivers, and nothing here needs it.
		Linux: &linux.Options{ProgramName: "Lineshaft", WebviewGpuPolicy: linux.WebviewGpuPolicyNever},
	})
	if err != nil {
		return fmt.Errorf("show window: %w", err)
	}
	return nil
}

// secure puts the content security policy on every file of the page.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
