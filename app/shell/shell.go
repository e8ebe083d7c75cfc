package shell

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wailsapp/wails/v2/pkg/runtime"
)

// Options are the window's flags.
type Options struct {
	Server     string // connect here instead of asking
	TokenFile  string // holds the token for Server
	Open       string // route to show first
	Local      bool   // run a backend without asking
	Demo       bool   // with Local: load the demo plant's model
	Data       string // directory of the local backend and of the choice that was made
	MQTTListen string // host:port of the local broker
	Log        *slog.Logger
}

// Start tells the page which backend it has, or that the person must choose one.
type Start struct {
	State  string `json:"state"`  // ready, choose or failed
	URL    string `json:"url"`    // where the backend answers, on loopback
	Token  string `json:"token"`  // good until the window is closed; empty: sign in
	Open   string `json:"open"`   // route to show first
	Server string `json:"server"` // the address that was chosen, when it is not this program
	Error  string `json:"error"`  // why it failed
}

// Hooks are the shell's parts of the window's life.
type Hooks struct {
	Started func(context.Context)
	Stop    func(context.Context)
}

// Shell is the one type the page can call. Its methods are safe for concurrent use.
type Shell struct {
	o Options

	mu      sync.Mutex
	window  context.Context //nolint:containedctx // Wails hands its window over as a context, once, for all later calls.
	backend *backend
	start   *Start
}

// New makes the shell of a window and the hooks the window must call.
func New(o Options) (*Shell, Hooks) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Shell{o: o}
	return s, Hooks{
		Started: func(ctx context.Context) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.window = ctx
		},
		Stop: func(context.Context) { s.stop() },
	}
}

// Start answers with the backend of this window. It starts one if the flags or an earlier choice say so.
func (s *Shell) Start() Start {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.start != nil { // the page was loaded again
		return *s.start
	}
	choice, err := readChoice(s.o.Data)
	if err != nil {
		s.o.Log.Warn("choice not read", "error", err)
	}
	switch {
	case s.o.Server != "":
		return s.answer(s.connect(s.o.Server, s.o.TokenFile))
	case s.o.Local:
		return s.answer(s.local(s.o.Demo))
	case choice.Local:
		return s.answer(s.local(choice.Demo))
	case choice.Server != "":
		return s.answer(s.connect(choice.Server, ""))
	default:
		return Start{State: "choose", Open: s.o.Open}
	}
}

// RunHere runs a backend in this program, with the demo plant's model if asked, and remembers that.
func (s *Shell) RunHere(demo bool) Start {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.choose(choice{Local: true, Demo: demo}, func() (Start, error) { return s.local(demo) })
}

// Connect takes the backend at an address, http or https, and remembers it when it answers.
func (s *Shell) Connect(address string) Start {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.choose(choice{Server: address}, func() (Start, error) { return s.connect(address, "") })
}

// Forget leaves the present backend, so that the page can ask again.
func (s *Shell) Forget() Start {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
	if err := writeChoice(s.o.Data, choice{}); err != nil {
		s.o.Log.Warn("choice not forgotten", "error", err)
	}
	return Start{State: "choose"}
}

// SaveText asks where to and writes a text file there; false says that the person changed their mind.
func (s *Shell) SaveText(name, text string) (bool, error) {
	s.mu.Lock()
	window := s.window
	s.mu.Unlock()
	if window == nil {
		return false, errors.New("save file: there is no window yet")
	}
	path, err := runtime.SaveFileDialog(window, runtime.SaveDialogOptions{DefaultFilename: filepath.Base(name)})
	if err != nil {
		return false, fmt.Errorf("ask for a file: %w", err)
	}
	if path == "" {
		return false, nil
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return false, fmt.Errorf("save file: %w", err)
	}
	return true, nil
}

// choose tries a backend the person picked and keeps the choice if it works.
func (s *Shell) choose(c choice, try func() (Start, error)) Start {
	s.leave()
	start := s.answer(try())
	if start.State == "ready" {
		if err := writeChoice(s.o.Data, c); err != nil {
			s.o.Log.Warn("choice not kept", "error", err)
		}
	}
	return start
}

// answer keeps what works and turns what does not into words.
func (s *Shell) answer(start Start, err error) Start {
	if err != nil {
		s.leave()
		return Start{State: "failed", Error: err.Error(), Open: s.o.Open}
	}
	start.State, start.Open = "ready", s.o.Open
	s.start = &start
	return start
}

// local runs a backend in this program.
func (s *Shell) local(demo bool) (Start, error) {
	b, err := runBackend(backendOptions{data: s.o.Data, mqtt: s.o.MQTTListen, demo: demo, log: s.o.Log})
	if err != nil {
		return Start{}, err
	}
	s.backend = b
	return Start{URL: b.url, Token: b.token}, nil
}

// connect puts a relay before the backend at address.
func (s *Shell) connect(address, tokenFile string) (Start, error) {
	target, err := url.Parse(strings.TrimRight(strings.TrimSpace(address), "/"))
	if err != nil || (target.Scheme != "http" && target.Scheme != "https") || target.Host == "" {
		return Start{}, fmt.Errorf("address %q: http://host:port or https://host is wanted", address)
	}
	var token string
	if tokenFile != "" {
		text, err := os.ReadFile(tokenFile)
		if err != nil {
			return Start{}, fmt.Errorf("read token: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	b, err := relay(target, s.o.Log)
	if err != nil {
		return Start{}, err
	}
	s.backend = b
	return Start{URL: b.url, Token: token, Server: target.String()}, nil
}

func (s *Shell) leave() {
	if s.backend != nil {
		s.backend.close()
	}
	s.backend, s.start = nil, nil
}

func (s *Shell) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave()
}
