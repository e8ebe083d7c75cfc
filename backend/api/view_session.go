package api

import "time"

// Credentials are what a person logs in with.
type Credentials struct {
	User     string `json:"user" minLength:"1" maxLength:"120" example:"admin@acme"`
	Password string `json:"password" minLength:"1" maxLength:"256"`
}

// Login is a new session. The token is shown only here.
type Login struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	User      string    `json:"user"`
	Tenant    string    `json:"tenant"`
	Roles     []string  `json:"roles"`
}

// Me is who asks.
type Me struct {
	User       string    `json:"user"`
	Tenant     string    `json:"tenant"`
	Roles      []string  `json:"roles"`
	ExpiresAt  time.Time `json:"expires_at"`
	ServerTime time.Time `json:"server_time"`
	Version    string    `json:"version"`
}

// PasswordChange replaces a password by one that knows the old.
type PasswordChange struct {
	Old string `json:"old" minLength:"1" maxLength:"256"`
	New string `json:"new" minLength:"12" maxLength:"256"`
}

// Imported is what an import did, or would do.
type Imported struct {
	Created   int      `json:"created"`
	Changed   int      `json:"changed"`
	Unchanged int      `json:"unchanged"`
	Devices   int      `json:"devices" doc:"devices registered or changed"`
	Lines     []string `json:"lines" doc:"one sentence per change"`
	DryRun    bool     `json:"dry_run"`
}

// Health says whether the backend, or a part of it, can do its work.
type Health struct {
	Status string `json:"status" enum:"ok,unready"`
	Part   string `json:"part,omitempty" doc:"the part that is not ready"`
	Detail string `json:"detail,omitempty"`
}
