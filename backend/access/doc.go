// Package access is who may do what: users and their passwords, sessions, roles, and the guard every call passes.
package access
