package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// operatorFile says how the owner of the data directory reaches the backend that runs on it. Whoever can read it can
// read everything stored anyway, so it is what a call about all tenants is allowed by; no user of a tenant is.
const operatorFile = "operator.json"

// operatorCall is the content of the file: new at every start.
type operatorCall struct {
	URL string `json:"url"`
	Key string `json:"key"`
}

// operator is the door for the owner of the data directory, always on loopback.
type operator struct {
	listener net.Listener
	path     string
	key      string
	backup   http.HandlerFunc
	log      *slog.Logger
}

// failedTrailer follows an answer that could not be finished and says why.
const failedTrailer = "Lineshaft-Failed"

func openOperator(ctx context.Context, dir string, backup http.HandlerFunc, log *slog.Logger) (*operator, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open operator's door: %w", err)
	}
	o := &operator{listener: ln, path: filepath.Join(dir, operatorFile), key: rand.Text(), backup: backup, log: log}
	text, err := json.Marshal(operatorCall{URL: "http://" + ln.Addr().String(), Key: o.key})
	if err == nil {
		err = os.WriteFile(o.path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(o.path+".new", o.path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write operator's key: %w", err), ln.Close())
	}
	return o, nil
}

// run answers until ctx ends. What is being answered then is cut off.
func (o *operator) run(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /backup", o.backup)
	server := &http.Server{
		Handler: o.guarded(mux), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(o.log.Handler(), slog.LevelDebug),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(o.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve operator: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(last); err != nil { // handlers see the context end
			return server.Close()
		}
		return nil
	})
	return group.Wait()
}

func (o *operator) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !access.SameSecret(r.Header.Get("Authorization"), "Bearer "+o.key) {
			refuse(w, fault.New(fault.Denied, "the key of %s is wanted", operatorFile))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refusal is the answer to what cannot be done.
type refusal struct {
	Kind    fault.Kind `json:"kind"`
	Message string     `json:"message"`
	Hint    string     `json:"hint,omitempty"`
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusServiceUnavailable
	if fault.Is(err, fault.Denied) {
		status = http.StatusUnauthorized
	}
	body := refusal{Kind: fault.KindOf(err), Message: err.Error()}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		body.Hint = e.Hint
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// close forgets the door.
func (o *operator) close() error {
	err := o.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(err, os.Remove(o.path))
}
