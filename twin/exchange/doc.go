// Package exchange reads a tenant's plant from files: classes and a plant in YAML, strictly, with errors that
// name line, field and value.
package exchange
