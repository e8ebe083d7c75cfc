// Package shell is what the desktop window can do that a browser cannot: run a backend, choose one, write a file.
package shell
