package plc

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
)

// Config is what a controller is told besides its declaration.
type Config struct {
	Listen string // host:port; empty is 127.0.0.1:0
	Dir    string // where OPC UA certificates are kept
	Login  Login  // of OPC UA sessions
	Log    *slog.Logger
}

// Server is one running controller. It answers from Open on; Run waits for the end and closes it.
type Server struct {
	plc      exchange.PLC
	places   []Place
	endpoint string
	identity Identity
	run      func() error // blocks until close; nil where the library has its own loop
	close    func() error
}

// Open lays the controller out, listens and answers.
func Open(p exchange.PLC, m twin.Model, w *plant.World, cfg Config) (*Server, error) {
	places, err := Layout(p, m, w)
	if err != nil {
		return nil, err
	}
	s := &Server{plc: p, places: places}
	addr := cmp.Or(cfg.Listen, "127.0.0.1:0")
	if p.Protocol == modbusTCP {
		srv, at, err := startModbus(addr, newModbusHandler(w, places, p.WordOrder == "little"), cfg.Log)
		if err != nil {
			return nil, fmt.Errorf("listen for %s on %s: %w", p.Name, addr, err)
		}
		s.endpoint, s.close = at, srv.Stop
		return s, nil
	}
	return s, s.openOPCUA(addr, w, cfg)
}

func (s *Server) openOPCUA(addr string, w *plant.World, cfg Config) error {
	err := cfg.Login.check()
	if err != nil {
		return err
	}
	if s.identity, err = LoadIdentity(cfg.Dir, s.plc.Name, time.Now()); err != nil {
		return fmt.Errorf("identity of %s: %w", s.plc.Name, err)
	}
	l, err := net.Listen("tcp", addr) //nolint:noctx // closed by close
	if err != nil {
		return fmt.Errorf("listen for %s on %s: %w", s.plc.Name, addr, err)
	}
	o, err := newOPCUA(l, s.plc.Name, s.identity, cfg.Login)
	if err == nil {
		if err = o.publish(s.places, w); err != nil {
			_ = o.srv.Close()
		}
	}
	if err != nil {
		_ = l.Close()
		return fmt.Errorf("open %s: %w", s.plc.Name, err)
	}
	s.endpoint, s.run, s.close = "opc.tcp://"+l.Addr().String(), o.serve, o.close
	return nil
}

// Name is the controller's name.
func (s *Server) Name() string { return s.plc.Name }

// Endpoint is where the controller answers: host:port for Modbus, opc.tcp://host:port for OPC UA.
func (s *Server) Endpoint() string { return s.endpoint }

// Certificate is the path of the controller's OPC UA certificate, PEM; empty for Modbus.
func (s *Server) Certificate() string { return s.identity.Certificate }

// Places is where each tag stands, in the order of the declarations.
func (s *Server) Places() []Place { return s.places }

// Run answers until ctx ends, and closes the controller.
func (s *Server) Run(ctx context.Context) error {
	done := make(chan error, 1)
	if s.run == nil {
		close(done)
		<-ctx.Done()
	} else {
		go func() { done <- s.run() }()
		select {
		case <-ctx.Done():
		case err := <-done:
			done <- err
		}
	}
	err := s.Close()
	return cmp.Or(<-done, err)
}

// Close ends the controller; it is for one that never ran.
func (s *Server) Close() error {
	if err := s.close(); err != nil {
		return fmt.Errorf("close %s: %w", s.plc.Name, err)
	}
	return nil
}
