// Package e2e holds the tests over the whole path: real programs, killed for real, watched from outside.
package e2e
